"""The official MCP client publishes itself, and connects without ever registering"""

from urllib.parse import parse_qsl, urlsplit

import pytest

pytest.importorskip("mcp", reason="the official MCP SDK is not installed")

import anyio
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.shared.auth import OAuthClientMetadata

from authserver.demo.loopback import asgi_server, listen, url
from authserver.demo.mcp_server import create_mcp_server
from tests.actors import Browser
from tests.interop.sdk import Nothing, whoami
from tests.live import Remote, deployed
from tests.publishing import CALLBACK, Publisher, resolve

DEMO = """
[resources.demo]
url = "{url}"
scopes = {{ "notes:read" = "Read your notes", "notes:write" = "Write notes" }}
"""


@pytest.mark.spec("MCP 2026-07-28", "Client ID Metadata Documents")
def test_the_client_of_the_sdk_connects_by_its_document(sqlite_url, idp, tmp_path, monkeypatch):
    resolve(monkeypatch, lambda _: ["127.0.0.1"])
    with listen(0) as at_mcp, Publisher(tmp_path) as publisher:
        mcp_url = f"{url(at_mcp)}/mcp"
        more = publisher.settings() + DEMO.format(url=mcp_url)
        with (
            deployed(tmp_path, sqlite_url, idp, more=more) as live,
            asgi_server(create_mcp_server(live.issuer, mcp_url), at_mcp),
        ):
            client_id = publisher.publish()
            said, provider = anyio.run(connect, live, mcp_url, client_id)
            assert provider.context.client_info.client_id == client_id
            assert f"through {client_id}" in said
            with live.server.store.read() as reads:
                assert reads.client_count() == 0
            assert publisher.asked == ["/client.json"]


async def connect(live, mcp_url, client_id):
    answer: dict[str, str] = {}

    def approve(authorization_url):
        browser = Browser(Remote(live.issuer, live.idp))  # type: ignore[arg-type]
        location = browser.approve(authorization_url).headers["Location"]
        answer.update(parse_qsl(urlsplit(location).query))

    async def opened(authorization_url):
        await anyio.to_thread.run_sync(approve, authorization_url)

    async def answered():
        return AuthorizationCodeResult(**{name: answer[name] for name in ("code", "state", "iss")})

    provider = OAuthClientProvider(
        mcp_url,
        OAuthClientMetadata.model_validate({"client_name": "Editor", "redirect_uris": [CALLBACK]}),
        Nothing(),
        redirect_handler=opened,
        callback_handler=answered,
        client_metadata_url=client_id,
    )
    return await whoami(mcp_url, provider), provider

"""The official MCP client registers where it is also told how to manage that, and connects"""

import pytest

pytest.importorskip("mcp", reason="the official MCP SDK is not installed")

import anyio

from authserver.demo.loopback import asgi_server, listen, url
from authserver.demo.mcp_server import create_mcp_server
from tests.interop.test_sdk_client_documents import DEMO, connect
from tests.live import deployed


def test_the_client_of_the_sdk_connects_where_registrations_are_managed(sqlite_url, idp, tmp_path):
    with listen(0) as at_mcp:
        mcp_url = f"{url(at_mcp)}/mcp"
        more = DEMO.format(url=mcp_url) + "\n[registration]\nmanagement = true\n"
        with (
            deployed(tmp_path, sqlite_url, idp, more=more) as live,
            asgi_server(create_mcp_server(live.issuer, mcp_url), at_mcp),
        ):
            said, provider = anyio.run(connect, live, mcp_url, None)
            client_id = provider.context.client_info.client_id
            assert client_id.startswith("mcp-")
            assert f"through {client_id}" in said
            with live.server.store.read() as reads:
                assert reads.client(client_id) is not None

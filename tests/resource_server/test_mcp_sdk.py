import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import time

import pytest

from authserver.resource_server import KeysUnavailable, ResourceServer, protect_asgi
from tests.resource_server.asgi_server import serving
from tests.resource_server.requests_table import METADATA, TOKEN, Case, bearer, send

pytest.importorskip("mcp", reason="the official MCP SDK is not installed")

import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import ProtectedResourceMetadata
from mcp.types import TextContent

from authserver.resource_server.mcp_sdk import auth_settings, token_verifier


def whoami() -> str:
    """Say whose token the tool sees."""
    token = get_access_token()
    return f"{token.subject} {token.resource} {token.scopes}" if token else "nobody"


def protected(guard):
    server = MCPServer("Issues", token_verifier=token_verifier(guard), auth=auth_settings(guard))
    server.tool()(whoami)
    return protect_asgi(server.streamable_http_app(), guard)


@contextlib.contextmanager
def serving_mcp(issuer, **options):
    with socket.create_server(("127.0.0.1", 0)) as sock:
        resource = f"http://127.0.0.1:{sock.getsockname()[1]}/mcp"
        guard = issuer.guard(resource, clock=lambda: int(time.time()), **options)
        with serving(protected(guard), sock):
            yield resource, sock.getsockname()[1]


def fresh_token(issuer, resource, **changes):
    return issuer.token(now=int(time.time()), aud=resource, **changes)


async def ask(resource, token):
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as http,
        Client(streamable_http_client(resource, http_client=http)) as client,
    ):
        (content,) = (await client.call_tool("whoami", {})).content
        assert isinstance(content, TextContent)
        return content.text


def test_a_tool_of_an_sdk_server_sees_whose_token_it_is(issuer):
    with serving_mcp(issuer, required_scopes=["issues:read"]) as (resource, _):
        answered = asyncio.run(ask(resource, fresh_token(issuer, resource)))
    assert answered == f"user-1 {resource} ['issues:read']"


def test_an_sdk_server_challenges_as_the_kit_does(issuer):
    with serving_mcp(issuer, required_scopes=["issues:write"]) as (resource, port):
        where = f'resource_metadata="http://127.0.0.1:{port}{METADATA}"'
        response, body = send(port, Case("", 401, "POST"))
        assert (response.status, body) == (401, b"")
        assert response.getheader("WWW-Authenticate") == (
            f'Bearer {where}, scope="issues:write issues:read"'
        )
        response, _ = send(port, Case("", 401, "POST", headers=bearer("Bearer abc")))
        assert response.getheader("WWW-Authenticate").startswith('Bearer error="invalid_token", ')
        narrow = fresh_token(issuer, resource)
        response, _ = send(port, Case("", 403, "POST", headers=TOKEN), narrow)
        assert response.status == 403
        assert response.getheader("WWW-Authenticate").endswith(f'{where}, scope="issues:write"')


@pytest.mark.parametrize("issuer_url", ["https://auth.example.com", "https://a.example.com/oauth"])
@pytest.mark.parametrize("resource", ["https://issues.example.com", "https://i.example.com/mcp"])
def test_an_sdk_server_serves_the_metadata_byte_for_byte(issuer_url, resource):
    guard = ResourceServer(issuer=issuer_url, resource=resource, scopes=["issues:read"])
    path = guard.metadata.url.removeprefix("https://").partition("/")[2]
    with socket.create_server(("127.0.0.1", 0)) as sock, serving(protected(guard), sock):
        response, body = send(sock.getsockname()[1], Case("", 200, path=f"/{path}"))
    assert (response.status, body) == (200, guard.metadata.body)
    assert json.loads(body)["authorization_servers"] == [issuer_url]
    parsed = ProtectedResourceMetadata.model_validate_json(body)
    assert [str(url) for url in parsed.authorization_servers] == [issuer_url]


@pytest.mark.parametrize("issuer_url", ["https://auth.example.com", "https://a.example.com/oauth"])
def test_the_settings_of_the_sdk_keep_the_issuer_as_it_is(issuer_url):
    guard = ResourceServer(issuer=issuer_url, resource="https://i.example.com", scopes=["a"])
    settings = auth_settings(guard)
    assert str(settings.issuer_url) == issuer_url
    assert str(settings.resource_server_url) == "https://i.example.com"


def test_the_sdk_gets_a_token_none_or_the_truth_that_nothing_is_known(issuer):
    verifier = token_verifier(issuer.guard(required_scopes=["issues:write"]))
    token = asyncio.run(verifier.verify_token(issuer.token(act={"sub": "agent"})))
    assert token is not None
    assert (token.client_id, token.subject, token.scopes) == ("client-1", "user-1", ["issues:read"])
    assert isinstance(token.resource, str)
    assert (token.claims or {})["act"] == {"sub": "agent"}
    assert asyncio.run(verifier.verify_token(issuer.token(aud="https://x.example.com"))) is None
    issuer.answers.clear()
    with pytest.raises(KeysUnavailable):
        asyncio.run(token_verifier(issuer.guard()).verify_token(issuer.token()))


@pytest.mark.parametrize(("module", "package", "message"), [
    ("mcp_sdk", "mcp", "pip install 'authserver\\[mcp\\]'"),
    ("fastmcp", "fastmcp", "pip install fastmcp"),
])  # fmt: skip
def test_a_missing_package_is_named_with_the_remedy(module, package, message):
    program = (
        f"import sys; sys.modules['{package}'] = None; import authserver.resource_server.{module}"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert message.replace("\\", "") in ran.stderr

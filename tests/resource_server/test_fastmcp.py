import asyncio
import socket
import time

import pytest

from authserver.resource_server import KeysUnavailable
from tests.proving import Holder
from tests.resource_server.asgi_server import serving
from tests.resource_server.requests_table import METADATA, TOKEN, Case, bearer, send

pytest.importorskip("fastmcp", reason="FastMCP is not installed")

import fastmcp
from fastmcp.client.auth import BearerAuth
from fastmcp.server.dependencies import get_access_token
from starlette.responses import PlainTextResponse

from authserver.resource_server.fastmcp import fastmcp_auth
from tests.resource_server.proof_auth import ProofAuth


def whoami() -> str:
    """Say whose token the tool sees."""
    token = get_access_token()
    return "nobody" if token is None else f"{token.claims['sub']} {token.resource}"


async def health(_request):
    return PlainTextResponse("well")


@pytest.fixture
def served(issuer):
    with socket.create_server(("127.0.0.1", 0)) as sock:
        resource = f"http://127.0.0.1:{sock.getsockname()[1]}/mcp"
        guard = issuer.guard(resource, clock=lambda: int(time.time()))
        server = fastmcp.FastMCP("Issues", auth=fastmcp_auth(guard, public=["/healthz"]))
        server.tool(whoami)
        server.custom_route("/healthz", methods=["GET"])(health)
        server.custom_route("/private", methods=["GET"])(health)
        with serving(server.http_app(), sock):
            yield guard, sock.getsockname()[1]


def test_a_tool_of_a_fastmcp_server_sees_whose_token_it_is(issuer, served):
    guard, _ = served
    token = issuer.token(now=int(time.time()), aud=guard.resource.url)

    async def ask():
        async with fastmcp.Client(guard.resource.url, auth=BearerAuth(token)) as client:
            return (await client.call_tool("whoami", {})).data

    assert asyncio.run(ask()) == f"user-1 {guard.resource.url}"


@pytest.mark.spec("RFC 9449", "7.1")
def test_such_a_tool_sees_a_bound_token_too_and_it_is_no_bearer_token(issuer, served):
    guard, port = served
    now = int(time.time())
    holder = Holder(now=now)
    token = issuer.token(now=now, aud=guard.resource.url, cnf={"jkt": holder.jkt})

    async def ask():
        async with fastmcp.Client(guard.resource.url, auth=ProofAuth(token, holder)) as client:
            return (await client.call_tool("whoami", {})).data

    assert asyncio.run(ask()) == f"user-1 {guard.resource.url}"
    response, _ = send(port, Case("", 401, "POST", headers=bearer(f"Bearer {token}")))
    assert response.status == 401


def test_a_fastmcp_server_challenges_as_the_kit_does(issuer, served):
    guard, port = served
    response, body = send(port, Case("", 401, "POST"))
    assert (response.status, body) == (401, b"")
    assert response.getheader("WWW-Authenticate") == (
        f'Bearer resource_metadata="{guard.metadata.url}", scope="issues:read issues:write"'
    )
    response, _ = send(port, Case("", 401, "POST", headers=bearer("Bearer abc")))
    assert response.getheader("WWW-Authenticate").startswith('Bearer error="invalid_token", ')
    other = issuer.token(now=int(time.time()), aud="https://other.example.com/mcp")
    assert send(port, Case("", 401, "POST", headers=TOKEN), other)[0].status == 401


def test_a_fastmcp_server_serves_the_metadata_byte_for_byte(served):
    guard, port = served
    response, body = send(port, Case("", 200, path=METADATA))
    assert (response.status, body) == (200, guard.metadata.body)


def test_a_custom_route_is_public_only_where_it_is_said(served):
    _, port = served
    assert send(port, Case("", 200, path="/healthz"))[1] == b"well"
    assert send(port, Case("", 401, path="/private"))[0].status == 401


def test_a_mounted_server_hands_its_metadata_to_the_root(issuer):
    guard = issuer.guard()
    (route,) = fastmcp_auth(guard).get_well_known_routes("/mcp")
    assert route.path == METADATA

    async def body():
        request = type("Request", (), {"method": "GET"})
        return (await route.endpoint(request)).body

    assert asyncio.run(body()) == guard.metadata.body


def test_fastmcp_gets_a_token_none_or_the_truth_that_nothing_is_known(issuer):
    auth = fastmcp_auth(issuer.guard(required_scopes=["issues:read"]))
    assert auth.required_scopes == ["issues:read"]
    assert auth.scopes_supported == ["issues:read", "issues:write"]
    token = asyncio.run(auth.verify_token(issuer.token()))
    assert token is not None
    assert (token.subject, token.claims["jti"]) == ("user-1", "token-1")
    assert asyncio.run(auth.verify_token("abc")) is None
    issuer.answers.clear()
    with pytest.raises(KeysUnavailable):
        asyncio.run(fastmcp_auth(issuer.guard()).verify_token(issuer.token()))

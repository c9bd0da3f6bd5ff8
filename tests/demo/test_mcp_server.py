"""The demo MCP server, called with the official client and with tokens of a test issuer."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import anyio
import flask
import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from authserver.demo.loopback import asgi_server, listen, url, wsgi_server
from authserver.demo.mcp_server import create_mcp_server


@dataclass(frozen=True)
class Deployment:
    issuer: str
    mcp_url: str
    key: ECKey

    def token(self, scope: str = "issues:read issues:write", **changed: object) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": self.mcp_url,
            "sub": "user-1",
            "client_id": "client-1",
            "scope": scope,
            "iat": now,
            "exp": now + 60,
            "jti": "j",
        } | changed
        return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": self.key.kid}, claims, self.key)


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    key = ECKey.generate_key("P-256", auto_kid=True)
    app = flask.Flask(__name__)
    with listen(0) as at_issuer, listen(0) as at_mcp:
        issuer, mcp_url = url(at_issuer), f"{url(at_mcp)}/mcp"
        about = {"issuer": issuer, "jwks_uri": f"{issuer}/jwks"}
        app.add_url_rule("/.well-known/oauth-authorization-server", "about", lambda: about)
        app.add_url_rule("/jwks", "jwks", lambda: KeySet([key]).as_dict(private=False))
        mcp_server = create_mcp_server(issuer, mcp_url)
        with wsgi_server(app, at_issuer), asgi_server(mcp_server, at_mcp):
            yield Deployment(issuer, mcp_url, key)


def call(deployment: Deployment, token: str, tool: str, **arguments: str) -> tuple[bool, str]:
    async def go() -> tuple[bool, str]:
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            httpx2.AsyncClient(headers=headers) as http,
            Client(streamable_http_client(deployment.mcp_url, http_client=http)) as client,
        ):
            result = await client.call_tool(tool, arguments)
            return result.is_error, getattr(result.content[0], "text", "")

    return anyio.run(go)


def test_the_tools_know_whose_token_it_is(deployment):
    is_error, text = call(deployment, deployment.token(), "whoami")
    assert (is_error, text) == (
        False,
        "You are user-1, through client-1: issues:read issues:write",
    )


def test_an_issue_that_was_created_is_listed(deployment):
    token = deployment.token()
    assert call(deployment, token, "create_issue", title="It rains") == (
        False,
        "created #2 It rains (user-1)",
    )
    assert "#2 It rains (user-1)" in call(deployment, token, "list_issues")[1]


@pytest.mark.parametrize(
    ("granted", "tool", "arguments", "missing"),
    [
        ("issues:read", "create_issue", {"title": "x"}, "issues:write"),
        ("issues:write", "list_issues", {}, "issues:read"),
    ],
)
def test_a_tool_needs_its_scope(deployment, granted, tool, arguments, missing):
    is_error, text = call(deployment, deployment.token(granted), tool, **arguments)
    assert is_error
    assert f"needs the scope {missing}" in text


@pytest.mark.spec("RFC 9728", "5.1")
def test_without_a_token_the_answer_is_a_challenge_that_names_the_metadata(deployment):
    refused = httpx2.post(deployment.mcp_url, json={})
    challenge = refused.headers["WWW-Authenticate"]
    assert refused.status_code == 401
    assert "error=" not in challenge
    metadata_url = challenge.split('resource_metadata="')[1].split('"')[0]
    metadata = httpx2.get(metadata_url).json()
    assert metadata["resource"] == deployment.mcp_url
    assert metadata["authorization_servers"] == [deployment.issuer]
    assert metadata["scopes_supported"] == ["issues:read", "issues:write"]


def test_a_token_for_another_server_is_refused(deployment):
    token = deployment.token(aud="http://127.0.0.1:9/mcp")
    headers = {"Authorization": f"Bearer {token}"}
    refused = httpx2.post(deployment.mcp_url, json={}, headers=headers)
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]

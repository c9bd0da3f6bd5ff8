"""The official MCP client as a machine: no browser, no user, a secret or a key"""

import json

import pytest

pytest.importorskip("mcp", reason="the official MCP SDK is not installed")

import anyio
from mcp.client.auth.extensions.client_credentials import (
    ClientCredentialsOAuthProvider,
    PrivateKeyJWTOAuthProvider,
    SignedJWTParameters,
)

from authserver.demo.loopback import asgi_server, listen, url
from authserver.demo.mcp_server import create_mcp_server
from tests.interop.sdk import Nothing, whoami
from tests.live import deployed
from tests.upstream.jose import new_key

MORE = """
[resources.demo]
url = "{url}"
scopes = {{ "issues:read" = "Read it" }}

[clients.robot]
client_secrets = ["file:robot-secret"]
grant_types = ["client_credentials"]
targets = ["demo"]
scopes = ["issues:read"]

[clients.keyed]
jwks = "file:keyed.jwks.json"
grant_types = ["client_credentials"]
targets = ["demo"]
scopes = ["issues:read"]
"""
SECRET = "a:secret+of%more/than 32 characters"


@pytest.mark.spec("MCP 2026-07-28", "OAuth Client Credentials")
@pytest.mark.parametrize("how", ["secret", "key"])
def test_the_client_of_the_sdk_gets_a_token_of_its_own(sqlite_url, idp, tmp_path, how):
    key = new_key("robot-key")
    (tmp_path / "robot-secret").write_text(SECRET)
    public = {"keys": [key.as_dict(private=False)]}
    (tmp_path / "keyed.jwks.json").write_text(json.dumps(public))
    with listen(0) as at_mcp:
        mcp_url = f"{url(at_mcp)}/mcp"
        with (
            deployed(tmp_path, sqlite_url, idp, more=MORE.format(url=mcp_url)) as live,
            asgi_server(create_mcp_server(live.issuer, mcp_url), at_mcp),
        ):
            provider = (
                with_secret(mcp_url, live.issuer)
                if how == "secret"
                else with_key(mcp_url, live.issuer, key)
            )
            machine = {"secret": "robot", "key": "keyed"}[how]
            said = anyio.run(whoami, mcp_url, provider)
            assert said == f"You are {machine}, through {machine}: issues:read"
            event = live.last("token.issued")
            assert (event["grant_type"], event["sub"]) == ("client_credentials", machine)


def with_secret(mcp_url, issuer):
    return ClientCredentialsOAuthProvider(
        mcp_url, Nothing(), client_id="robot", client_secret=SECRET, issuer=issuer
    )


def with_key(mcp_url, issuer, key):
    pem = key.as_pem(private=True).decode()
    signed = SignedJWTParameters(
        issuer="keyed", subject="keyed", signing_key=pem, signing_algorithm="ES256"
    )
    return PrivateKeyJWTOAuthProvider(
        mcp_url,
        Nothing(),
        client_id="keyed",
        issuer=issuer,
        assertion_provider=signed.create_assertion_provider(),
    )

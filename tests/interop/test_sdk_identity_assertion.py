"""The official MCP client brings what its user's company says of them (ID-JAG), end to end"""

import pytest

pytest.importorskip("mcp", reason="the official MCP SDK is not installed")

import anyio
from mcp.client.auth.extensions.identity_assertion import IdentityAssertionOAuthProvider

from authserver.demo.loopback import asgi_server, listen, url
from authserver.demo.mcp_server import create_mcp_server
from tests.actors import claims_of
from tests.asserting import SECRET, assertion
from tests.interop.sdk import Nothing, whoami
from tests.live import deployed
from tests.upstream.hostile_idp import HostileIdp

MORE = """
[resources.demo]
url = "{url}"
scopes = {{ "issues:read" = "Read it" }}

[trusted_issuers.company]
issuer = "{company}"
identity_assertions = true
algorithms = ["ES256"]

[clients.agent]
client_secrets = ["file:agent-secret"]
token_endpoint_auth_method = "{method}"
grant_types = ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
targets = ["demo"]
scopes = ["issues:read"]
"""


@pytest.mark.spec("MCP 2026-07-28", "Enterprise-Managed Authorization")
@pytest.mark.parametrize("method", ["client_secret_post", "client_secret_basic"])
def test_the_client_of_the_sdk_gets_in_without_a_browser(sqlite_url, idp, tmp_path, method):
    (tmp_path / "agent-secret").write_text(SECRET)
    with HostileIdp() as company, listen(0) as at_mcp:
        mcp_url = f"{url(at_mcp)}/mcp"
        more = MORE.format(url=mcp_url, company=company.issuer, method=method)
        with (
            deployed(tmp_path, sqlite_url, idp, more=more) as live,
            asgi_server(create_mcp_server(live.issuer, mcp_url), at_mcp),
        ):
            company.now = live.clock.now

            async def from_the_company(audience: str, resource: str) -> str:
                return assertion(company, aud=audience, resource=resource)

            provider = IdentityAssertionOAuthProvider(
                mcp_url,
                Keeping(),
                client_id="agent",
                client_secret=SECRET,
                issuer=live.issuer,
                assertion_provider=from_the_company,
                scope="issues:read",
                token_endpoint_auth_method=method,
            )
            said = anyio.run(whoami, mcp_url, provider)
            assert said.endswith("through agent: issues:read")
            event = live.last("token.issued")
            assert (event["client_id"], event["issuer"]) == ("agent", company.issuer)
            assert claims_of(Keeping.token)["aud"] == mcp_url


class Keeping(Nothing):
    """A client's storage that a test can look into."""

    token = ""

    async def set_tokens(self, tokens):
        Keeping.token = tokens.access_token
        assert tokens.refresh_token is None

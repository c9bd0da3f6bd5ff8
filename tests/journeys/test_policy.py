"""A reader and a developer at one MCP server: what each is given, and what the server says no to"""

import pytest

from tests.actors import Browser, McpClient, claims_of
from tests.live import deployed

TRACKER = "https://tracker.example/mcp"
MORE = f"""
[resources.tracker]
url = "{TRACKER}"
claims = ["groups"]
allow = {{ email_domains = ["example.com"] }}

[resources.tracker.scopes]
"tracker:read" = "Read it"
"tracker:write" = {{ description = "Change it", allow = {{ groups = ["devs"] }} }}
"""


@pytest.fixture
def live(sqlite_url, idp, tmp_path):
    with deployed(tmp_path, sqlite_url, idp, more=MORE) as deployment:
        yield deployment


def _connected(remote, client, *groups):
    remote.idp.claims = {"groups": list(groups)}
    return client.redeem(client.code(Browser(remote), resource=TRACKER), resource=TRACKER).json


@pytest.mark.spec("RFC 6750", "3.1")
def test_a_denied_scope_reaches_the_client_as_insufficient_scope_until_the_user_has_the_group(
    remote, live, mcp_server
):
    client = McpClient(remote).register()
    with mcp_server(live.issuer, TRACKER, live.clock, required_scopes=["tracker:write"]) as mcp:
        reader = _connected(remote, client, "support")
        refused = mcp.call(reader["access_token"])
        developer = _connected(remote, client, "devs")
        admitted = mcp.call(developer["access_token"])

    assert reader["scope"] == "tracker:read"
    assert claims_of(reader["access_token"])["groups"] == ["support"]
    assert refused.status_code == 403
    challenge = refused.headers["WWW-Authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="tracker:write"' in challenge
    assert developer["scope"] == "tracker:read tracker:write"
    assert admitted.status_code == 200

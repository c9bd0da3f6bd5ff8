"""Two MCP servers behind one authorization server and one identity provider"""

import pytest

from tests.actors import Browser, McpClient, claims_of

ISSUES, WIKI = "https://issues.example/mcp", "https://wiki.example/mcp"


@pytest.mark.spec("RFC 8707", "2.2")
def test_a_token_for_one_mcp_server_is_refused_at_the_other(remote, live, mcp_server):
    client, browser = McpClient(remote).register(), Browser(remote)
    tokens = {
        resource: client.redeem(client.code(browser, resource=resource), resource=resource).json
        for resource in (ISSUES, WIKI)
    }
    with (
        mcp_server(live.issuer, ISSUES, live.clock) as issues,
        mcp_server(live.issuer, WIKI, live.clock) as wiki,
    ):
        at = {
            (server, resource): each.call(tokens[resource]["access_token"])
            for server, each in ((ISSUES, issues), (WIKI, wiki))
            for resource in tokens
        }

    assert {where: answer.status_code for where, answer in at.items()} == {
        (ISSUES, ISSUES): 200, (ISSUES, WIKI): 401, (WIKI, ISSUES): 401, (WIKI, WIKI): 200,
    }  # fmt: skip
    assert 'error="invalid_token"' in at[WIKI, ISSUES].headers["WWW-Authenticate"]
    assert tokens[ISSUES]["scope"] == "issues:read issues:write"
    assert tokens[WIKI]["scope"] == "wiki:read"
    # One user, known to the one identity provider.
    assert len({claims_of(each["access_token"])["sub"] for each in tokens.values()}) == 1

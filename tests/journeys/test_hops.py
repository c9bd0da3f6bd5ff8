"""From a client over two MCP servers to the user's API at the provider, until the user revokes"""

from contextlib import contextmanager

import httpx2
import pytest
import requests

from authserver.oauth import status_list
from authserver.resource_server import ResourceServer, Verifier, protect_wsgi
from authserver.resource_server.exchange import ExchangeFailed, TokenExchanger
from authserver.resource_server.httpx2_auth import ExchangeAuth
from authserver.resource_server.outgoing import Outgoing
from tests.actors import RESOURCE, Browser, McpClient, claims_of
from tests.exchanging import SECRETS, WIKI, form
from tests.live import deployed
from tests.served import served

CURSOR = "cursor://anysphere.cursor-mcp/oauth/callback"
MORE = """
[resources.issues.client]
client_secrets = ["file:issues-secret"]

[resources.wiki.client]
client_secrets = ["file:wiki-secret"]

[exchanges.issues-wiki]
requester = "issues"
source = "issues"
target = "wiki"
scopes = { "issues:read" = ["wiki:read"] }
"""


@pytest.fixture
def live(sqlite_url, idp, tmp_path):
    """A server whose wiki keeps upstream tokens; both MCP servers' are on the status list."""
    for name in ("issues", "wiki"):
        (tmp_path / f"{name}-secret").write_text(SECRETS[name])

    def change(config):
        text = config.read_text()
        for table, keys in (
            ("[resources.issues]\n", "status_list = true\n"),
            ("[resources.wiki]\n", 'status_list = true\nupstream_token = "exchange"\n'),
        ):
            text = text.replace(table, table + keys, 1)
        config.write_text(text)

    with deployed(tmp_path, sqlite_url, idp, more=MORE, change=change) as deployment:
        yield deployment


class Hop:
    """An MCP server behind the kit, which passes a call on; `seen` are the tokens it was sent."""

    def __init__(self, live, name, resource, pass_on):
        verifier = Verifier(live.issuer, resource, clock=live.clock, status_list=True)
        self.guard = ResourceServer(issuer=live.issuer, resource=resource, verifier=verifier)
        self.exchanger = TokenExchanger(
            issuer=live.issuer, client_id=name, client_secret=SECRETS[name], clock=live.clock
        )
        self.pass_on, self.seen = pass_on, []
        self.app = protect_wsgi(self._call, self.guard)
        self.origin = ""

    def call(self, token):
        headers = {"Authorization": f"Bearer {token}"}
        return requests.post(f"{self.origin}/mcp", headers=headers, timeout=20)

    def _call(self, environ, start_response):
        token = environ["authserver.access_token"].token
        self.seen.append(token)
        try:
            status, body = self.pass_on(self.exchanger, token)
        except ExchangeFailed as error:
            status, body = 502, error.error
        start_response(f"{status} Answered", [("Content-Type", "text/plain")])
        return [body.encode()]


def to_the_provider(idp):
    """Return how the wiki's server calls the user's API, with the user's own token there."""

    def pass_on(exchanger, token):
        upstream = exchanger.token(token, audience="upstream").access_token
        answer = requests.get(
            f"{idp.origin}/userinfo", headers={"Authorization": f"Bearer {upstream}"}, timeout=20
        )
        return answer.status_code, answer.text

    return pass_on


def to_the_wiki(wiki):
    """Return how the issue tracker's server calls the wiki's."""

    def pass_on(exchanger, token):
        auth = ExchangeAuth(Outgoing(exchanger, "wiki"), token)
        with httpx2.Client(auth=auth, timeout=20, trust_env=False) as client:
            answer = client.post(f"{wiki.origin}/mcp")
        return answer.status_code, answer.text

    return pass_on


@contextmanager
def hops(live):
    wiki = Hop(live, "wiki", WIKI, to_the_provider(live.idp))
    with served(wiki.app) as wiki.origin:
        issues = Hop(live, "issues", RESOURCE, to_the_wiki(wiki))
        with served(issues.app) as issues.origin:
            yield issues, wiki


@pytest.mark.spec("RFC 8693", "2")
@pytest.mark.spec("RFC 7009", "2.1")
def test_a_call_goes_over_two_servers_to_the_api_and_ends_everywhere_with_the_users_no(
    live, remote
):
    idp = live.idp
    cursor, browser = McpClient(remote, redirect_uri=CURSOR).register(), Browser(remote)
    McpClient(remote).register().connect(browser)
    code = cursor.code(browser, scope="wiki:read", resource=WIKI)
    cursor.redeem(code, resource=WIKI)  # the wiki has the user's upstream token from now on
    tokens = cursor.connect(browser, scope="issues:read")

    with hops(live) as (issues, wiki):
        answer = issues.call(tokens["access_token"])
        assert (answer.status_code, answer.json()["sub"]) == (200, idp.subject)
        # Each hop had a token of its own, and says who acts for whom.
        (at_issues,), (at_wiki,) = issues.seen, wiki.seen
        assert at_issues == tokens["access_token"] != at_wiki
        claims = claims_of(at_wiki)
        assert (claims["aud"], claims["scope"]) == (WIKI, "wiki:read")
        assert claims["act"] == {"iss": live.issuer, "sub": "issues"}
        assert claims["sub"] == claims_of(at_issues)["sub"]
        assert claims["exp"] <= claims_of(at_issues)["exp"]
        used = idp.asked("/userinfo")[-1].headers["authorization"].removeprefix("Bearer ")
        assert idp.access_tokens[used] == idp.subject

        gone = form(
            remote, "/revoke", {"token": tokens["refresh_token"], "client_id": cursor.client_id}
        )
        assert gone.status_code == 200
        live.clock.now += status_list.TTL

        before = len(idp.asked("/userinfo"))
        assert issues.call(tokens["access_token"]).status_code == 401
        assert wiki.call(at_wiki).status_code == 401
        for hop, audience, token in (
            (issues, "wiki", at_issues),
            (wiki, "upstream", at_wiki),
        ):
            hop.exchanger.forget(token, audience=audience)
            with pytest.raises(ExchangeFailed, match="invalid_request"):
                hop.exchanger.token(token, audience=audience)
        assert cursor.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
        assert len(idp.asked("/userinfo")) == before

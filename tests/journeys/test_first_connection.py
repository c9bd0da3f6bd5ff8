"""The official MCP client meets an MCP server with our kit, for the first time"""

import io

import pytest

pytest.importorskip("mcp", reason="the official MCP SDK is not installed")

from authserver.demo.idp import RelyingParty, create_idp
from authserver.demo.loopback import asgi_server, listen, url, wsgi_server
from authserver.demo.mcp_server import create_mcp_server
from authserver.demo.place import CLIENT_ID, Place
from authserver.demo.story import Story
from authserver.demo.walk import walk
from authserver.settings import load
from authserver.web import create_app
from tests.actors import Browser, McpClient, response_of

SECRET = "secret-of-the-upstream"


@pytest.mark.spec("MCP 2026-07-28", "Authorization")
@pytest.mark.parametrize("path", ["", "/oauth", "/tenant/a"])
def test_it_discovers_registers_signs_in_calls_and_refreshes_whatever_path_the_issuer_has(
    path, tmp_path
):
    with listen(0) as at_authserver, listen(0) as at_mcp, listen(0) as at_idp:
        issuer = url(at_authserver) + path
        place = Place(tmp_path, issuer, url(at_idp), f"{url(at_mcp)}/mcp")
        place.furnish(SECRET)
        party = RelyingParty(CLIENT_ID, SECRET, (f"{issuer}/callback",))
        app = create_app(load(place.config), upkeep=False)
        story = Story(io.StringIO())
        with (
            wsgi_server(create_idp(place.upstream, party), at_idp),
            wsgi_server(app, at_authserver),
            asgi_server(create_mcp_server(issuer, place.mcp_url), at_mcp),
        ):
            holds = walk(place.mcp_url, story)
        server = app.extensions["authserver"]
        server.upstream.close()
        server.store.close()

    assert holds, story.failure


@pytest.mark.spec("OAuth 2.1", "4.1.2.1")
def test_a_user_who_refuses_gives_nothing_and_may_think_again(remote, live):
    client = McpClient(remote).register()
    browser = Browser(remote)
    page = browser.sign_in(browser.get(client.authorize_url(state="first")))

    refused = response_of(browser.submit(page, 1, decision="deny"))

    assert refused == {
        "error": "access_denied",
        "error_description": refused["error_description"],
        "state": "first",
        "iss": live.issuer,
    }
    assert live.last("authorization.refused")["reason"] == "consent_denied"
    again = response_of(browser.approve(client.authorize_url(state="second")))
    assert again["state"] == "second"
    assert client.redeem(again["code"]).status_code == 200

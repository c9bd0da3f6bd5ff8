"""The identity provider is gone: only who signs in notices"""

import time

import pytest

from authserver.upstream import cached
from tests.actors import Browser, McpClient, response_of
from tests.upstream.spoiled_server import Spoiled

EVERYWHERE = ("/.well-known/openid-configuration", "/authorize", "/token", "/jwks", "/userinfo")
SOON = 2.0  # seconds; the provider hangs for longer


@pytest.fixture(params=["refuses", "hangs"])
def lose(request, idp):
    def lose_it():
        pause = 0.0 if request.param == "refuses" else 4.0
        idp.spoiled = dict.fromkeys(EVERYWHERE, Spoiled(503, b"gone", pause=pause))
        idp.seen.clear()

    return lose_it


def test_whoever_is_signed_in_notices_nothing_while_the_provider_is_gone(remote, idp, lose):
    client, browser = McpClient(remote).register(), Browser(remote)
    tokens = client.connect(browser)
    lose()

    began = time.monotonic()
    http = remote.http()
    assert client.refresh(tokens["refresh_token"]).status_code == 200
    for path in ("/jwks.json", "/.well-known/oauth-authorization-server", "/health"):
        assert http.get(path).status_code == 200
    bearer = {"Authorization": f"Bearer {client.connect(browser, scope='openid')['access_token']}"}
    assert http.get("/userinfo", headers=bearer).status_code == 200
    other = McpClient(remote).register()
    consent = browser.get(other.authorize_url())
    assert consent.request.path == "/consent"
    code = response_of(browser.submit(consent, 1, decision="approve"))["code"]
    assert other.redeem(code).status_code == 200

    assert idp.seen == []
    assert time.monotonic() - began < SOON


def test_who_signs_in_is_told_and_can_try_again_on_the_same_page(remote, idp, monkeypatch):
    idp.spoiled = dict.fromkeys(EVERYWHERE, Spoiled(503, b"gone"))
    client, browser = McpClient(remote).register(), Browser(remote)
    page = browser.get(client.authorize_url())

    told = browser.submit(page, decision="continue")

    assert told.status_code == 503
    assert "does not answer at the moment" in told.text
    idp.spoiled = {}
    monkeypatch.setattr(cached, "BACK_OFF", 0)
    assert browser.sign_in(told).request.path == "/consent"

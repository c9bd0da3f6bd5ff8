"""Case 157: the identity provider is down, slow or changes its keys; case 159: its tokens"""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.actors import Browser, Deployment, McpClient, response_of
from tests.attacks.visiting import (
    callback,
    consent_page,
    decide,
    fields_of,
    is_consent_page,
    is_sign_in_page,
    sign_in_page,
    upstream_url,
)
from tests.upstream.spoiled_server import Spoiled

DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture
def impatient(deployment):
    """The same server, with half a second of patience for the provider."""
    upstream = replace(deployment.settings.upstream, request_timeout=0.5)
    with Deployment(replace(deployment.settings, upstream=upstream), deployment.idp) as started:
        yield started


@pytest.fixture
def client(impatient):
    return McpClient(impatient).register()


@pytest.fixture
def browser(impatient):
    return Browser(impatient)


def _goes_on_without_the_provider(client, tokens):
    refreshed = client.refresh(tokens["refresh_token"])
    documents = ("/jwks.json", "/.well-known/oauth-authorization-server", "/health")
    answers = [client.deployment.http().get(path).status_code for path in documents]
    return refreshed.status_code == 200 and answers == [200] * len(documents)


@pytest.mark.parametrize(
    "spoiled",
    [Spoiled(500), Spoiled(200, b"<html>"), Spoiled(302, b"", {"Location": "/"}), Spoiled(pause=3)],
    ids=["500", "no JSON", "a redirect", "slow"],
)
def test_157_a_provider_that_cannot_be_asked_is_a_page_that_can_be_tried_again(
    client, browser, spoiled
):
    page = sign_in_page(client, browser)
    idp = client.deployment.idp
    idp.spoiled[DISCOVERY] = spoiled
    began = time.monotonic()

    answer = browser.submit(page, decision="continue")

    assert time.monotonic() - began < 2.5
    assert answer.status_code == 503
    assert "does not answer at the moment" in answer.get_data(as_text=True)
    assert fields_of(answer)["pending"] == fields_of(page)["pending"], "the page can be tried again"
    assert client.deployment.last("sign_in.failed")["reason"] == "upstream_unavailable"


@pytest.mark.parametrize("path", ["/token", "/jwks"])
@pytest.mark.parametrize(
    "spoiled", [Spoiled(503), Spoiled(200, b"{"), Spoiled(pause=3)], ids=["503", "no JSON", "slow"]
)
def test_157_a_provider_that_fails_on_the_way_back_can_be_tried_again(
    client, browser, path, spoiled
):
    honest = callback(client, browser)
    idp = client.deployment.idp
    idp.spoiled[path] = spoiled
    began = time.monotonic()

    page = browser.come_back(honest)

    assert time.monotonic() - began < 2.5
    assert is_sign_in_page(page)
    assert client.deployment.last("sign_in.failed")["reason"] == "upstream_unavailable"


def test_157_once_it_is_back_the_same_request_goes_on(client, browser):
    honest = callback(client, browser)
    client.deployment.idp.spoiled["/token"] = Spoiled(503)
    page = browser.come_back(honest)
    client.deployment.idp.spoiled.clear()

    code = response_of(decide(browser, browser.sign_in(page), "approve"))["code"]

    assert client.redeem(code).status_code == 200


def test_157_tokens_refresh_and_keys_do_not_notice(client, browser):
    tokens = client.connect(browser)
    idp = client.deployment.idp
    idp.spoiled |= {path: Spoiled(pause=3) for path in (DISCOVERY, "/token", "/jwks", "/userinfo")}
    began = time.monotonic()

    assert _goes_on_without_the_provider(client, tokens)
    assert is_consent_page(browser.get(client.authorize_url())), "whoever is signed in goes on too"
    assert time.monotonic() - began < 2.5


def test_157_keys_that_change_between_two_sign_ins_are_fetched(client, browser):
    client.connect(browser)
    client.deployment.idp.rotate()

    assert is_consent_page(consent_page(client, Browser(client.deployment), "user-2"))


def test_157_a_start_needs_no_provider(client):
    idp = client.deployment.idp
    idp.spoiled |= {path: Spoiled(500) for path in (DISCOVERY, "/jwks")}
    with Deployment(client.deployment.settings, idp) as started:
        assert started.http().get("/health").status_code == 200


@pytest.mark.spec("MCP Authorization", "Token passthrough")
def test_159_the_providers_tokens_and_codes_are_kept_and_shown_nowhere(client, browser, caplog):
    """Every secret of the provider's side has "canary" in it."""
    answers = [upstream_url(client, browser)]
    page = browser.sign_in(sign_in_page(client, browser))
    answers.append(page.get_data(as_text=True))
    approved = decide(browser, page, "approve")
    tokens = client.redeem(response_of(approved)["code"]).json
    answers += [str(tokens), str(approved.headers)]
    client.deployment.idp.token_answer = {"id_token": "canary.id.token", "error": "canary-error"}
    client.deployment.wait(1)
    failed = browser.come_back(callback(client, browser, prompt="login", max_age=0))
    client.deployment.idp.callback = {"error": "x", "error_description": "canary-description"}
    refused = browser.come_back(callback(client, browser, max_age=0))
    answers += [each.get_data(as_text=True) + str(each.headers) for each in (failed, refused)]

    kept = Path(client.deployment.settings.database_url.removeprefix("sqlite:///"))
    stored = b"".join(each.read_bytes() for each in kept.parent.glob(kept.name + "*"))
    assert "canary" not in "".join(answers)
    assert b"canary" not in stored
    assert "canary" not in str(client.deployment.events) + caplog.text
    assert "canary" not in repr(client.deployment.server)

"""Cases 141, 142: what a remembered consent spares the user, and what it never does"""

from dataclasses import replace

import pytest

from authserver.oauth import epoch
from tests.actors import LOOPBACK, Browser, response_of
from tests.attacks.visiting import (
    consent_page,
    count,
    decide,
    is_consent_page,
    is_sign_in_page,
    registered,
)

WEB = "https://app.example/cb"
OTHER_WEB = "https://app.example/other"
APP = "cursor://anysphere.cursor-mcp/oauth/callback"
WIKI = "https://wiki.example/mcp"
READ = "issues:read"


def _approved(client, browser, **changes):
    fields = {"scope": changes.pop("ticked")} if "ticked" in changes else {}
    page = consent_page(client, browser, **changes)
    assert "You have allowed this before" not in page.get_data(as_text=True)
    assert decide(browser, page, "approve", **fields).status_code in (200, 303)


def _remembers(page):
    return "You have allowed this before" in page.get_data(as_text=True)


@pytest.fixture
def browser(deployment):
    return Browser(deployment)


@pytest.mark.spec("OAuth 2.1", "7.3.1")
@pytest.mark.parametrize("uri", [WEB, LOOPBACK, APP])
def test_141_a_client_anybody_could_have_registered_is_always_shown_again(deployment, browser, uri):
    client = registered(deployment, uri)
    _approved(client, browser)

    page = browser.get(client.authorize_url())

    assert is_consent_page(page)
    assert _remembers(page)
    assert count(deployment, "codes") == 1
    assert client.redeem(response_of(decide(browser, page, "approve"))["code"]).status_code == 200


@pytest.mark.parametrize("uri", [LOOPBACK, APP])
def test_141_an_operators_client_on_this_computer_is_shown_again_too(deployment, browser, uri):
    """Anybody's program can listen on its port or claim its scheme."""
    client = registered(deployment, uri, assured=True)
    _approved(client, browser)

    assert is_consent_page(browser.get(client.authorize_url()))


@pytest.mark.parametrize("auth_method", ["none", "client_secret_post"])
def test_141_an_operators_web_client_is_answered_without_a_page(deployment, browser, auth_method):
    client = registered(deployment, WEB, assured=True, token_endpoint_auth_method=auth_method)
    _approved(client, browser)

    answer = browser.get(client.authorize_url(state="again"))

    assert answer.headers["Location"].startswith(f"{WEB}?code=")
    assert response_of(answer)["state"] == "again"
    assert client.redeem(response_of(answer)["code"]).status_code == 200
    assert deployment.last("consent.remembered")["client_id"] == client.client_id


def test_141_the_first_time_an_operators_client_is_shown_as_well(deployment, browser):
    client = registered(deployment, WEB, assured=True)

    page = consent_page(client, browser)

    assert "Not verified" not in page.get_data(as_text=True)
    assert "app.example" in page.get_data(as_text=True)


def test_141_prompt_consent_asks_whatever_is_remembered(deployment, browser):
    client = registered(deployment, WEB, assured=True)
    _approved(client, browser)

    assert is_consent_page(browser.get(client.authorize_url(prompt="consent")))


def test_141_a_secret_makes_a_self_registered_client_no_more_assured(deployment, browser):
    client = registered(deployment, WEB, token_endpoint_auth_method="client_secret_post")
    _approved(client, browser)

    assert is_consent_page(browser.get(client.authorize_url()))


@pytest.mark.spec("MCP security best practices", "Confused deputy")
@pytest.mark.parametrize("assured", [False, True])
@pytest.mark.parametrize(
    "changes",
    [
        {"scope": "issues:read issues:write"},
        {"scope": None},
        {"scope": "issues:read openid"},
        {"resource": WIKI, "scope": "wiki:read"},
        {"redirect_uri": OTHER_WEB},
        {"redirect_uri": f"{WEB}?x=1"},
    ],
)
def test_142_whatever_is_more_or_other_than_what_was_allowed_is_asked_in_full(
    deployment, browser, assured, changes
):
    uris = [WEB, OTHER_WEB, f"{WEB}?x=1"]
    client = registered(deployment, WEB, assured=assured, redirect_uris=uris)
    _approved(client, browser, scope=READ)

    page = browser.get(client.authorize_url(**{"scope": READ, **changes}))

    assert is_consent_page(page)
    assert not _remembers(page)


@pytest.mark.parametrize("assured", [False, True])
def test_142_what_was_unticked_is_not_remembered(deployment, browser, assured):
    client = registered(deployment, WEB, assured=assured)
    _approved(client, browser, ticked=READ)

    page = browser.get(client.authorize_url())
    again = browser.get(client.authorize_url(scope=READ))

    assert is_consent_page(page)
    assert not _remembers(page)
    assert response_of(again)["code"] if assured else _remembers(again)


@pytest.mark.parametrize("assured", [False, True])
def test_142_another_user_of_the_same_browser_is_asked_in_full(deployment, browser, assured):
    client = registered(deployment, WEB, assured=assured)
    _approved(client, browser, subject="ada")
    deployment.wait(1)

    page = consent_page(client, browser, "bob", prompt="select_account")

    assert not _remembers(page)


@pytest.mark.parametrize("assured", [False, True])
def test_142_another_client_of_the_same_name_and_address_is_asked_in_full(
    deployment, browser, assured
):
    _approved(registered(deployment, WEB, assured=assured), browser)

    page = browser.get(registered(deployment, WEB, assured=assured).authorize_url())

    assert is_consent_page(page)
    assert not _remembers(page)


@pytest.mark.parametrize("assured", [False, True])
@pytest.mark.parametrize(
    "change", [{"client_name": "Something else"}, {"redirect_uris": (WEB, OTHER_WEB)}]
)
def test_142_a_client_that_has_changed_since_is_asked_in_full(deployment, browser, assured, change):
    client = registered(deployment, WEB, assured=assured)
    _approved(client, browser)
    with deployment.server.store.write() as tx:
        changed = replace(tx.client(client.client_id), **change)
        # In place: deleting a client would forget the consents that are to be judged.
        tx._connection.exec_driver_sql("DELETE FROM clients")
        tx.add_client(changed)

    page = browser.get(client.authorize_url())

    assert is_consent_page(page)
    assert not _remembers(page)


def test_142_a_denial_is_not_remembered_and_takes_nothing_back(deployment, browser):
    client = registered(deployment, WEB)
    decide(browser, consent_page(client, browser), "deny")
    assert count(deployment, "consents") == 0
    _approved(client, browser)

    decide(browser, browser.get(client.authorize_url()), "deny")

    assert _remembers(browser.get(client.authorize_url()))


def test_142_memory_is_of_no_use_without_a_sign_in(deployment, browser):
    client = registered(deployment, WEB, assured=True)
    _approved(client, browser)

    assert is_sign_in_page(Browser(deployment).get(client.authorize_url()))
    with deployment.server.store.write() as tx:
        sub = tx._connection.exec_driver_sql("SELECT sub FROM users").scalar()
        tx.bump_epoch(epoch.user(sub))
    assert is_sign_in_page(browser.get(client.authorize_url()))

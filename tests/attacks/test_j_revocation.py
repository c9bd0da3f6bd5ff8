"""A revocation between any two steps ends what is on its way, and what has come of it (case 49)"""

import pytest

from authserver.oauth import epoch
from tests.actors import RESOURCE, Browser, McpClient, claims_of, response_of
from tests.attacks.outcomes import is_page
from tests.attacks.visiting import (
    consent_page,
    count,
    decide,
    fields_of,
    is_consent_page,
    is_sign_in_page,
    nothing_was_granted,
    sign_in_page,
)


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


@pytest.fixture
def browser(deployment):
    return Browser(deployment)


def _sub(client):
    with client.deployment.server.store.read() as reads:
        return str(reads._connection.exec_driver_sql("SELECT sub FROM users").scalar_one())


def _revoke(client, whose):
    subject = {
        "client": lambda: epoch.client(client.client_id),
        "user": lambda: epoch.user(_sub(client)),
        "consent": lambda: epoch.consent(_sub(client), client.client_id, RESOURCE),
        "upstream session": lambda: epoch.upstream_session("session-1"),
    }[whose]()
    with client.deployment.server.store.write() as tx:
        tx.bump_epoch(subject)


def test_049_a_client_that_is_blocked_before_the_sign_in_gets_no_code(client, browser):
    page = sign_in_page(client, browser)
    _revoke(client, "client")

    after = browser.sign_in(page)

    assert is_page(decide(browser, after, "approve"))
    assert is_page(decide(browser, after, "deny"))
    assert nothing_was_granted(client.deployment)


def test_049_a_client_that_is_blocked_before_the_decision_gets_no_code(client, browser):
    page = consent_page(client, browser)
    _revoke(client, "client")

    assert is_page(decide(browser, page, "approve"))
    assert nothing_was_granted(client.deployment)


def test_049_a_blocked_client_may_not_even_be_told_no(client, browser):
    page = sign_in_page(client, browser)
    _revoke(client, "client")

    assert is_page(browser.submit(page, decision="cancel"))


@pytest.mark.parametrize("whose", ["user", "upstream session"])
def test_049_a_user_who_is_signed_out_before_the_decision_signs_in_again(client, browser, whose):
    page = consent_page(client, browser)
    _revoke(client, whose)

    again = decide(browser, page, "approve")

    assert is_sign_in_page(again)
    assert nothing_was_granted(client.deployment)
    code = response_of(decide(browser, browser.sign_in(again), "approve"))["code"]
    assert client.redeem(code).status_code == 200


def test_049_a_consent_that_is_withdrawn_before_the_decision_is_the_one_before(client, browser):
    """The user decides after it: this is a consent of its own."""
    page = consent_page(client, browser)
    _revoke(client, "consent")

    code = response_of(decide(browser, page, "approve"))["code"]

    assert client.redeem(code).status_code == 200


@pytest.mark.spec("OAuth 2.1", "4.1.3")
@pytest.mark.parametrize("whose", ["client", "user", "consent", "upstream session"])
def test_049_a_code_that_is_out_when_it_is_revoked_is_worth_nothing(client, browser, whose):
    code = client.code(browser)
    _revoke(client, whose)

    answer = client.redeem(code)

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant")
    assert count(client.deployment, "grants") == 0


@pytest.mark.spec("OAuth 2.1", "4.3.1")
@pytest.mark.parametrize("whose", ["client", "user", "consent", "upstream session"])
@pytest.mark.parametrize("rotations", [0, 2])
def test_083_a_refresh_token_that_is_out_when_it_is_revoked_is_worth_nothing(
    client, browser, whose, rotations
):
    tokens = client.connect(browser)
    for _ in range(rotations):
        tokens = client.refresh(tokens["refresh_token"]).json
    _revoke(client, whose)

    answer = client.refresh(tokens["refresh_token"])

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("whose", ["client", "user", "consent", "upstream session"])
def test_083_the_answer_of_a_lost_refresh_is_not_given_after_a_revocation(client, browser, whose):
    tokens = client.connect(browser)
    client.refresh(tokens["refresh_token"])
    _revoke(client, whose)

    assert client.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"


@pytest.mark.parametrize("whose", ["client", "user", "consent", "upstream session"])
def test_083_userinfo_knows_of_a_revocation_at_once(client, browser, whose):
    token = client.connect(browser, scope="openid issues:read")["access_token"]
    header = {"Authorization": f"Bearer {token}"}
    http = client.deployment.http()
    assert http.get("/userinfo", headers=header).status_code == 200
    _revoke(client, whose)

    assert http.get("/userinfo", headers=header).status_code == 401


@pytest.mark.parametrize("whose", ["user", "consent", "upstream session"])
def test_083_what_is_agreed_after_a_revocation_holds(client, browser, whose):
    client.connect(browser)
    _revoke(client, whose)

    tokens = client.connect(browser)

    assert client.refresh(tokens["refresh_token"]).status_code == 200


def test_083_a_revocation_concerns_nobody_else(deployment, client, browser):
    other = McpClient(deployment).register()
    mine = client.connect(browser)
    theirs = other.connect(browser)
    someone = client.connect(Browser(deployment), scope="issues:read")
    bobs = client.redeem(
        response_of(Browser(deployment).approve(client.authorize_url(), "bob"))["code"]
    )
    with deployment.server.store.write() as tx:
        sub = claims_of(mine["access_token"])["sub"]
        tx.bump_epoch(epoch.consent(sub, client.client_id, RESOURCE))

    assert client.refresh(mine["refresh_token"]).status_code == 400
    assert client.refresh(someone["refresh_token"]).status_code == 400
    assert other.refresh(theirs["refresh_token"]).status_code == 200
    assert client.refresh(bobs.json["refresh_token"]).status_code == 200


@pytest.mark.parametrize("station", ["sign-in", "consent", "code", "token"])
def test_049_a_client_that_is_deleted_ends_everything_it_began(client, browser, station):
    page = sign_in_page(client, browser)
    if station != "sign-in":
        page = browser.sign_in(page)
    code = (
        response_of(decide(browser, page, "approve"))["code"]
        if station in ("code", "token")
        else ""
    )
    tokens = client.redeem(code).json if station == "token" else {}
    with client.deployment.server.store.write() as tx:
        assert tx.delete_client(client.client_id)

    if station in ("sign-in", "consent"):
        pending = fields_of(page)["pending"]
        assert is_page(browser.get(f"/{station}?pending={pending}"))
        assert is_page(browser.submit(page, -1, decision="approve"))
        assert is_page(browser.submit(page, -1, decision="continue"))
        assert nothing_was_granted(client.deployment)
    else:
        answer = client.refresh(tokens["refresh_token"]) if tokens else client.redeem(code)
        assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


def test_049_a_user_who_is_gone_from_the_database_is_signed_in_nowhere(client, browser):
    page = consent_page(client, browser)
    with client.deployment.server.store.write() as tx:
        tx._connection.exec_driver_sql("DELETE FROM users")

    assert is_sign_in_page(decide(browser, page, "approve"))
    assert is_consent_page(browser.sign_in(browser.get(client.authorize_url())))

"""Case 148: a session is new at each sign-in, ends in time, and nobody can plant one"""

import pytest

from tests.actors import LOOPBACK, Browser, McpClient, response_of
from tests.attacks.visiting import (
    consent_page,
    cookies_of,
    count,
    decide,
    is_consent_page,
    is_sign_in_page,
    sign_in_page,
)


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


@pytest.fixture
def attacker(deployment):
    return Browser(deployment)


@pytest.fixture
def victim(deployment):
    return Browser(deployment)


@pytest.mark.spec("RFC 9700", "4.5")
def test_148_a_session_planted_before_the_sign_in_is_not_the_one_after_it(client, attacker, victim):
    consent_page(client, attacker, "attacker")
    planted = cookies_of(attacker)["session"]
    name = next(c.key for c in attacker.client._cookies.values() if c.key.endswith("-session"))
    victim.client.set_cookie(name, planted, domain="auth.example", secure=True)
    client.deployment.wait(1)

    page = victim.sign_in(sign_in_page(client, victim, prompt="login"), "victim")

    assert is_consent_page(page)
    assert cookies_of(victim)["session"] != planted
    assert count(client.deployment, "sessions") == 1, "the planted one is over, for the planter too"
    assert is_sign_in_page(attacker.get(client.authorize_url()))


@pytest.mark.parametrize("planted", ["", "x", "A" * 43, "é", "\x7f", "a b", "x" * 3000])
def test_148_a_cookie_that_nobody_gave_is_no_session_and_no_error(client, victim, planted):
    for kind in ("session", "browser"):
        name = f"{_cookie_prefix(victim, client)}{kind}"
        victim.client.set_cookie(name, planted, domain="auth.example", secure=True)

    page = victim.sign_in(sign_in_page(client, victim))

    assert is_consent_page(page)
    assert cookies_of(victim)["session"] != planted


def _cookie_prefix(browser, client):
    other = Browser(client.deployment)
    sign_in_page(client, other)
    return next(iter(other.client._cookies.values())).key.removesuffix("browser")


def test_148_signing_in_again_and_switching_users_begin_new_sessions(client, victim):
    consent_page(client, victim)
    first = cookies_of(victim)
    client.deployment.wait(1)
    page = victim.sign_in(sign_in_page(client, victim, prompt="login"))
    second = cookies_of(victim)
    switched = decide(victim, page, "switch")
    between = cookies_of(victim)
    victim.sign_in(switched, "user-2")
    third = cookies_of(victim)

    assert is_sign_in_page(switched)
    assert not between.get("session")
    assert len({first["session"], second["session"], third["session"]}) == 3
    assert first["browser"] == second["browser"] == third["browser"]
    assert count(client.deployment, "sessions") == 1


def test_148_not_you_asks_the_provider_for_another_account(client, victim):
    page = decide(victim, consent_page(client, victim), "switch")

    door = victim.submit(page, decision="continue").headers["Location"]

    assert "prompt=select_account" in door
    after = victim.come_back(client.deployment.idp.sign_in(door, "user-2"))
    answer = decide(victim, after, "approve")
    code = response_of(answer)["code"]
    assert answer.headers["Location"].startswith(LOOPBACK)
    assert client.redeem(code).status_code == 200
    assert len(client.deployment.idp.asked("/token")) == 2


@pytest.mark.parametrize("decision", ["approve", "deny"])
def test_148_a_session_that_is_used_stays_and_one_that_is_not_ends(client, victim, decision):
    consent_page(client, victim)
    for _ in range(11):
        client.deployment.wait(3540)
        decide(victim, consent_page(client, victim), decision)
    assert len(client.deployment.idp.asked("/token")) == 1

    client.deployment.wait(3601)
    assert is_sign_in_page(victim.get(client.authorize_url()))


def test_148_a_session_that_is_used_all_day_ends_after_twelve_hours(client, victim):
    consent_page(client, victim)
    for _ in range(12):
        client.deployment.wait(3590)
        page = victim.get(client.authorize_url())
        if is_consent_page(page):
            decide(victim, page, "deny")
    client.deployment.wait(12 * 10)

    assert is_sign_in_page(victim.get(client.authorize_url()))
    assert cookies_of(victim)["browser"]


def test_148_a_session_that_ends_before_the_decision_asks_for_a_sign_in_again(client, victim):
    consent_page(client, victim)
    client.deployment.wait(3590)
    page = consent_page(client, victim)
    client.deployment.wait(20)

    again = decide(victim, page, "approve")

    assert is_sign_in_page(again)
    assert count(client.deployment, "codes") == 0
    assert response_of(decide(victim, victim.sign_in(again), "approve"))["code"]

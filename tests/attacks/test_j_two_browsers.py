"""Cases 139, 150: a flow belongs to the browser that began it"""

import pytest

from tests.actors import Browser, McpClient
from tests.attacks.outcomes import is_page, is_page_without_a_way_back
from tests.attacks.visiting import (
    callback,
    consent_page,
    cookies_of,
    count,
    decide,
    is_consent_page,
    is_sign_in_page,
    sign_in_page,
    upstream_url,
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


def _with_a_flow_of_its_own(client, browser):
    sign_in_page(client, browser)
    return browser


@pytest.mark.spec("MCP security best practices", "Confused deputy")
@pytest.mark.parametrize("knows_us", [False, True])
def test_139_a_sign_in_that_another_browser_began_ends_there_and_spends_nothing(
    client, attacker, victim, knows_us
):
    door = upstream_url(client, attacker)
    if knows_us:
        _with_a_flow_of_its_own(client, victim)

    answer = victim.come_back(client.deployment.idp.sign_in(door, "victim"))

    assert is_page_without_a_way_back(answer, status=403)
    assert "session" not in cookies_of(victim)
    assert (count(client.deployment, "sessions"), count(client.deployment, "users")) == (0, 0)
    own = client.deployment.idp.sign_in(door, "attacker")
    assert is_consent_page(attacker.come_back(own)), "the owner's state is not spent"


@pytest.mark.spec("RFC 9700", "4.7")
def test_150_the_attackers_sign_in_is_not_taken_by_the_victims_browser(client, attacker, victim):
    theirs = callback(client, attacker, "attacker")
    mine = consent_page(client, victim, "victim")
    session = cookies_of(victim)["session"]

    assert is_page(victim.come_back(theirs), 403)

    assert cookies_of(victim)["session"] == session
    assert "user-1" not in mine.get_data(as_text=True)
    assert decide(victim, mine, "approve").status_code == 303
    assert client.deployment.idp.asked("/token")[1:] == [], "the attacker's code went nowhere"


@pytest.mark.spec("RFC 9700", "4.5")
def test_150_the_attackers_upstream_code_under_the_victims_state_is_no_sign_in(
    client, attacker, victim
):
    """Code injection: PKCE and the nonce are made for this browser and this state."""
    theirs = callback(client, attacker, "attacker")
    mine = callback(client, victim, "victim")

    answer = victim.come_back({**mine, "code": theirs["code"]})

    assert is_sign_in_page(answer)
    assert "could not be signed in" in answer.get_data(as_text=True)
    assert count(client.deployment, "sessions") == 0


def test_150_even_if_the_idp_forgets_pkce_the_nonce_tells_the_codes_apart(client, attacker, victim):
    theirs = callback(client, attacker, "attacker")
    mine = callback(client, victim, "victim")
    codes = client.deployment.idp.codes
    codes[theirs["code"]].params["code_challenge"] = codes[mine["code"]].params["code_challenge"]

    assert is_sign_in_page(victim.come_back({**mine, "code": theirs["code"]}))

    assert client.deployment.last("sign_in.failed")["reason"] == "id_token_nonce"
    assert count(client.deployment, "sessions") == 0

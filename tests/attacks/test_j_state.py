"""Case 151: the state that goes upstream works once, in time, for its own request"""

import pytest

from tests.actors import Browser, McpClient
from tests.attacks.outcomes import is_page
from tests.attacks.visiting import (
    callback,
    count,
    is_consent_page,
    is_sign_in_page,
)


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


@pytest.fixture
def victim(deployment):
    return Browser(deployment)


@pytest.mark.spec("RFC 9700", "4.7.1")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda state: state[:0],
        lambda state: state.partition(".")[0],
        lambda state: state[:-1],
        lambda state: state + "x",
        lambda state: state.upper(),
        lambda state: state.partition(".")[0] + "." + "A" * 43,
        lambda state: "x." + state.partition(".")[2],
        lambda state: state + "." + state,
    ],
)
def test_151_a_state_that_was_not_given_out_is_refused(client, victim, spoil):
    honest = callback(client, victim)

    answer = victim.come_back({**honest, "state": spoil(honest["state"])})

    assert answer.status_code == 403 or is_sign_in_page(answer)
    assert count(client.deployment, "sessions") == 0
    assert is_consent_page(victim.come_back(honest)), "the honest one still works, once"


def test_151_a_callback_without_or_with_two_states_is_a_page(client, victim):
    honest = callback(client, victim)
    state, code = honest["state"], honest["code"]

    assert is_page(victim.get(f"/callback?code={code}"), 403)
    assert is_page(victim.get(f"/callback?code={code}&state={state}&state={state}"))
    assert is_page(victim.get(f"/callback?code={code}&code=x&state={state}"))
    assert is_page(victim.get("/callback"), 403)
    assert is_consent_page(victim.come_back(honest))


@pytest.mark.spec("RFC 9700", "4.7.1")
def test_151_a_state_works_once_and_its_flow_goes_on(client, victim):
    honest = callback(client, victim)
    first = victim.come_back(honest)
    users = count(client.deployment, "users")

    again = victim.come_back(honest)

    assert client.deployment.last("sign_in.failed")["reason"] == "state_spent"
    assert len(client.deployment.idp.asked("/token")) == 1, "the code is not redeemed again"
    assert is_consent_page(first)
    assert is_consent_page(again), "a double click at the provider is no dead end"
    assert (count(client.deployment, "sessions"), count(client.deployment, "users")) == (1, users)


def test_151_a_spent_state_without_a_session_begins_the_sign_in_again(client, victim):
    client.deployment.idp.callback = {"error": "access_denied", "code": ""}
    refused = callback(client, victim)
    assert is_sign_in_page(victim.come_back(refused))

    honest = {**refused, "code": "x", "error": ""}
    assert is_sign_in_page(victim.come_back(honest))

    assert client.deployment.idp.asked("/token") == []
    assert count(client.deployment, "sessions") == 0


@pytest.mark.parametrize("waited", [599, 600])
def test_151_a_state_lives_as_long_as_its_request(client, victim, waited):
    honest = callback(client, victim)
    client.deployment.wait(waited)
    client.deployment.idp.claims = {"iat": client.deployment.clock.now}

    answer = victim.come_back(honest)

    assert is_consent_page(answer) if waited < 600 else is_page(answer)
    assert count(client.deployment, "sessions") == (1 if waited < 600 else 0)


def test_151_a_state_of_one_tab_does_not_sign_in_another_tabs_request(client, victim):
    one, other = callback(client, victim), callback(client, victim)
    mixed = f"{one['state'].partition('.')[0]}.{other['state'].partition('.')[2]}"

    assert is_sign_in_page(victim.come_back({**one, "state": mixed}))

    assert count(client.deployment, "sessions") == 0
    assert is_consent_page(victim.come_back(one))
    assert is_consent_page(victim.come_back(other))

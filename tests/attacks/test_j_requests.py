"""Case 144: a request is shown to its own browser, within its time"""

import pytest

from tests.actors import Browser, McpClient
from tests.attacks.outcomes import is_page, is_page_without_a_way_back
from tests.attacks.visiting import (
    consent_page,
    fields_of,
    is_consent_page,
    nothing_was_granted,
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


def _with_a_flow_of_its_own(client, browser):
    sign_in_page(client, browser)
    return browser


def test_144_a_request_of_another_browser_is_not_shown_and_not_spent(client, attacker, victim):
    mine = fields_of(consent_page(client, victim))
    client.deployment.wait(1)
    sign_in = fields_of(sign_in_page(client, victim, prompt="login"))
    for stranger in (attacker, _with_a_flow_of_its_own(client, Browser(client.deployment))):
        for pending in (mine["pending"], sign_in["pending"]):
            for page in ("sign-in", "consent"):
                assert is_page_without_a_way_back(
                    stranger.get(f"/{page}?pending={pending}"), status=403
                )

    assert is_consent_page(victim.get(f"/consent?pending={mine['pending']}"))


@pytest.mark.parametrize(
    "pending", ["", "x", "A" * 43, "%00", "%ff", "../x", "' OR 1=1 --", "a" * 15000, "%ed%a0%80"]
)
@pytest.mark.parametrize("page", ["sign-in", "consent"])
def test_144_a_guessed_request_is_a_page(client, victim, page, pending):
    _with_a_flow_of_its_own(client, victim)

    answer = victim.get(f"/{page}?pending={pending}")

    assert answer.status_code in (400, 403)
    assert is_page_without_a_way_back(answer, status=answer.status_code)


@pytest.mark.parametrize("station", ["sign-in", "consent"])
@pytest.mark.parametrize("waited", [599, 600, 86400])
def test_144_a_request_ends_after_ten_minutes_at_every_page(client, victim, station, waited):
    page = sign_in_page(client, victim) if station == "sign-in" else consent_page(client, victim)
    client.deployment.wait(waited)
    pressed = "continue" if station == "sign-in" else "approve"

    shown = victim.get(f"/{station}?pending={fields_of(page)['pending']}")
    answer = victim.submit(page, -1, decision=pressed, follow=False)

    if waited == 599:
        assert shown.status_code == 200
        assert answer.status_code == 303
    else:
        assert is_page(shown)
        assert is_page(answer)
        assert nothing_was_granted(client.deployment)

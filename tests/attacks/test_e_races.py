"""Cases 43, 73, 74, 211: one code, one token, one revocation, in two processes at one moment"""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from authserver.oauth import epoch
from authserver.oauth.identity_assertion import GRANT_TYPE as JWT_BEARER
from tests.actors import Browser, McpClient, claims_of, forms_of
from tests.asserting import SECRET, assertion
from tests.databases import postgresql_database  # noqa: F401 - fixture
from tests.devices import GRANT_TYPE, Device, approve
from tests.exchanging import basic
from tests.fleet import fleet  # noqa: F401 - fixture
from tests.upstream.hostile_idp import ABSENT
from tests.upstream.logging_out import logout_token

AT_ONCE = 50


@pytest.fixture
def place(fleet):  # noqa: F811 - the fixture
    """The deployment where users sign in, at the time by which the two instances live."""
    deployment, origins = fleet
    deployment.wait(int(time.time()) - deployment.clock.now)
    return deployment, origins


@pytest.fixture
def client(place):
    return McpClient(place[0]).register()


@pytest.fixture
def at_once(place):
    """Send one form many times at one moment, to both instances in turn."""
    _, origins = place

    def race(params, path="/token", **options):
        barrier = threading.Barrier(AT_ONCE)

        def send(number):
            barrier.wait(30)
            url = origins[number % 2] + path
            return requests.post(url, data=params, allow_redirects=False, timeout=30, **options)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(send, range(AT_ONCE)))

    return race


def refresh_params(client, token):
    params = {"grant_type": "refresh_token", "refresh_token": token}
    return {**params, "client_id": client.client_id}


def poll_params(device):
    params = {"grant_type": GRANT_TYPE, "device_code": device.device_code}
    return {**params, "client_id": device.client_id}


def refusals(answers):
    """Return the errors of the refused; past twenty failures a client is told to wait."""
    errors = {answer.json()["error"] for answer in answers if answer.status_code == 400}
    assert {answer.status_code for answer in answers} <= {200, 400, 429}
    return errors


@pytest.mark.spec("OAuth 2.1", "4.1.3")
def test_043_of_fifty_redemptions_over_two_processes_one_succeeds_and_its_tokens_live(
    client, at_once
):
    answers = at_once(client.code_params(client.code()))

    won = [answer.json() for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    assert refusals(answers) == {"invalid_grant"}
    assert client.refresh(won[0]["refresh_token"]).status_code == 200


def test_one_consent_posted_fifty_times_issues_one_code(client, at_once):
    browser = Browser(client.deployment)
    page = browser.sign_in(browser.get(client.authorize_url()))
    form = next(f for f in forms_of(page) if any(name == "scope" for name, _ in f["fields"]))
    cookies = {each.key: each.value for each in browser.client._cookies.values()}

    answers = at_once([*form["fields"], ("decision", "approve")], "/consent", cookies=cookies)

    assert Counter(answer.status_code for answer in answers) == {303: 1, 400: AT_ONCE - 1}


@pytest.mark.spec("RFC 8628", "3.5")
def test_211_of_fifty_polls_over_two_processes_one_gets_the_tokens(place, at_once):
    device = Device(place[0]).register().ask()
    approve(Browser(place[0]), device.user_code)

    answers = at_once(poll_params(device))

    assert [answer.status_code for answer in answers].count(200) == 1
    assert refusals(answers) == {"invalid_grant"}


def test_211_of_fifty_polls_that_come_too_soon_one_is_not_slowed_down(place, at_once):
    device = Device(place[0]).register().ask()

    answers = at_once(poll_params(device))

    counted = Counter(answer.json()["error"] for answer in answers)
    assert counted == {"authorization_pending": 1, "slow_down": AT_ONCE - 1}


@pytest.mark.spec("OpenID Connect Back-Channel Logout", "2.6")
def test_of_copies_of_one_logout_token_exactly_one_is_taken(client, at_once, monkeypatch):
    idp = client.deployment.idp
    monkeypatch.setattr(idp, "subject", "leaving")  # the other tests' user stays
    client.connect()
    token = logout_token(idp, sid=ABSENT)

    answers = at_once({"logout_token": token}, "/backchannel-logout")

    others = Counter(answer.status_code for answer in answers)
    assert others.pop(200) == 1
    assert sum(others.values()) == AT_ONCE - 1
    assert set(others) <= {400, 429}


def test_043_fifty_wrong_redemptions_do_not_harm_the_right_one(client, at_once):
    code = client.code()

    answers = at_once(client.code_params(code, code_verifier="w" * 43))

    assert refusals(answers) == {"invalid_grant"}
    assert client.redeem(code).status_code == 200


@pytest.mark.spec("OAuth 2.1", "4.3.1")
def test_073_fifty_refreshes_over_two_processes_get_the_one_successor(client, at_once):
    token = client.connect()["refresh_token"]

    answers = at_once(refresh_params(client, token))

    assert Counter(answer.status_code for answer in answers) == {200: AT_ONCE}
    successors = {answer.json()["refresh_token"] for answer in answers}
    assert len(successors) == 1
    assert len({claims_of(a.json()["access_token"])["grant_id"] for a in answers}) == 1
    assert client.refresh(*successors).status_code == 200


@pytest.mark.spec("RFC 9700", "4.14.2")
def test_073_fifty_replays_over_two_processes_end_the_family_and_nothing_else(client, at_once):
    browser = Browser(client.deployment)
    first, other = client.connect(browser)["refresh_token"], client.connect(browser)
    second = client.refresh(first).json["refresh_token"]
    third = client.refresh(second).json["refresh_token"]

    answers = at_once(refresh_params(client, first))

    assert refusals(answers) == {"invalid_grant"}
    assert client.refresh(third).json["error"] == "invalid_grant"
    assert client.refresh(other["refresh_token"]).status_code == 200


def test_074_no_refresh_that_was_sent_after_a_revocation_succeeds(client, place):
    deployment, origins = place
    browser = Browser(deployment)
    connected = [client.connect(browser) for _ in range(6)]
    sent, late, revoked = [], [], threading.Event()
    # How fast a machine is must not matter: the revocation comes once every thread has refreshed.
    under_way = threading.Barrier(len(connected) + 1)

    def refresh_until_refused(number, token):
        for turn in range(1000):
            if turn == 1:
                under_way.wait(60)
            after_revocation = revoked.is_set()
            params = refresh_params(client, token)
            answer = requests.post(f"{origins[number % 2]}/token", data=params, timeout=30)
            if answer.status_code != 200:
                return
            token = answer.json()["refresh_token"]
            sent.append(token)
            if after_revocation:
                late.append(token)

    threads = [
        threading.Thread(target=refresh_until_refused, args=(number, each["refresh_token"]))
        for number, each in enumerate(connected)
    ]
    for thread in threads:
        thread.start()
    under_way.wait(60)
    with deployment.server.store.write() as tx:
        tx.bump_epoch(epoch.user(claims_of(connected[0]["access_token"])["sub"]))
    revoked.set()
    for thread in threads:
        thread.join(30)

    assert len(sent) >= len(connected)
    assert late == []
    assert {client.refresh(each).json["error"] for each in sent[-6:]} == {"invalid_grant"}


@pytest.mark.spec("MCP 2026-07-28", "Enterprise-Managed Authorization")
def test_184_of_fifty_uses_of_one_assertion_over_two_processes_one_gets_a_token(place, at_once):
    deployment, origins = place

    def params(subject):
        said = assertion(deployment.idp, sub=subject)
        return {"grant_type": JWT_BEARER, "assertion": said}

    headers = basic("agent", SECRET)
    for each in origins:  # so that the keys are there, and nobody has to wait for them
        first = requests.post(f"{each}/token", data=params("x"), headers=headers, timeout=30)
        assert first.status_code == 200
    # Of somebody who was never here: the fifty make one user, too.
    answers = at_once(params("new-here"), headers=headers)
    assert [each.status_code for each in answers].count(200) == 1
    assert refusals(answers) == {"invalid_grant"}

"""Many requests at once, over two processes, on SQLite and PostgreSQL: one of them wins"""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.actors import Browser, McpClient, claims_of, forms_of
from tests.upstream.logging_out import logout_token

AT_ONCE = 20


@pytest.fixture
def client(fleet):
    deployment, _ = fleet
    return McpClient(deployment).register()


def race(fleet, path, data, cookies=None, count=AT_ONCE):
    """Send one form `count` times at the same moment, to both instances in turn."""
    _, origins = fleet
    start = threading.Barrier(count)

    def send(index):
        with requests.Session() as session:
            start.wait(30)
            return session.post(
                origins[index % len(origins)] + path, data=data, cookies=cookies,
                allow_redirects=False, timeout=30,
            )  # fmt: skip

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(send, range(count)))


@pytest.mark.spec("OAuth 2.1", "4.1.3")
def test_of_parallel_redemptions_of_one_code_exactly_one_succeeds(fleet, client):
    answers = race(fleet, "/token", client.code_params(client.code()))

    assert Counter(a.status_code for a in answers) == {200: 1, 400: AT_ONCE - 1}
    assert {a.json()["error"] for a in answers if a.status_code == 400} == {"invalid_grant"}


def test_the_winner_of_a_race_for_a_code_keeps_working(fleet, client):
    answers = race(fleet, "/token", client.code_params(client.code()))
    won = next(a for a in answers if a.status_code == 200).json()

    assert client.refresh(won["refresh_token"]).status_code == 200


@pytest.mark.spec("OAuth 2.1", "4.3.1")
def test_parallel_refreshes_of_one_token_all_get_the_one_successor(fleet, client):
    tokens = client.connect()
    params = {
        "grant_type": "refresh_token",
        "refresh_token": tokens["refresh_token"],
        "client_id": client.client_id,
    }

    answers = race(fleet, "/token", params)

    assert {a.status_code for a in answers} == {200}
    assert len({a.json()["refresh_token"] for a in answers}) == 1
    assert len({claims_of(a.json()["access_token"])["grant_id"] for a in answers}) == 1


@pytest.mark.spec("OpenID Connect Back-Channel Logout", "2.6")
def test_of_copies_of_one_logout_token_exactly_one_is_taken(fleet, client):
    client.connect()
    token = logout_token(client.deployment.idp)

    answers = race(fleet, "/backchannel-logout", {"logout_token": token})

    others = Counter(a.status_code for a in answers)
    assert others.pop(200) == 1
    assert sum(others.values()) == AT_ONCE - 1
    assert set(others) <= {400, 429}


def test_one_consent_posted_many_times_issues_one_code(fleet, client):
    browser = Browser(client.deployment)
    page = browser.sign_in(browser.get(client.authorize_url()))
    form = next(f for f in forms_of(page) if any(name == "scope" for name, _ in f["fields"]))
    cookies = {c.key: c.value for c in browser.client._cookies.values()}

    answers = race(fleet, "/consent", [*form["fields"], ("decision", "approve")], cookies)

    assert Counter(a.status_code for a in answers)[303] == 1
    assert {a.status_code for a in answers} == {303, 400}

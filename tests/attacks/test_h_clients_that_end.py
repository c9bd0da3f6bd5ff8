"""Case 106: a client that nobody uses goes, and one that somebody uses never does"""

import pytest

from authserver.upkeep import run_once
from tests.actors import Browser, Deployment, McpClient
from tests.attacks.visiting import consent_page, count, decide, registered

DAY = 86400
DOCUMENT = {"redirect_uris": ["http://127.0.0.1/cb"]}


def _register(deployment, address="192.0.2.1", document=DOCUMENT):
    return deployment.http().post(
        "/register", json=document, environ_overrides={"REMOTE_ADDR": address}
    )


@pytest.mark.spec("RFC 7591", "5")
def test_106_what_nobody_ever_authorised_is_gone_after_a_week(deployment):
    for _ in range(15):
        assert _register(deployment).status_code == 201
    deployment.wait(7 * DAY - 1)
    run_once(deployment.server)
    assert count(deployment, "clients") == 15

    deployment.wait(2)
    run_once(deployment.server)

    assert count(deployment, "clients") == 0


def test_106_a_client_that_somebody_is_signing_in_for_is_not_gone(deployment):
    client = McpClient(deployment).register()
    deployment.wait(7 * DAY - 60)
    browser = Browser(deployment)
    page = consent_page(client, browser)
    deployment.wait(120)
    run_once(deployment.server)

    assert decide(browser, page, "approve").status_code == 303


def test_106_a_client_with_a_live_grant_is_never_gone(deployment):
    """Two years of one refresh a month, with upkeep after each."""
    client = McpClient(deployment).register()
    token = client.connect()["refresh_token"]
    for _ in range(12):
        deployment.wait(29 * DAY)
        run_once(deployment.server)
        answer = client.refresh(token)
        assert answer.status_code == 200, answer.json
        token = answer.json["refresh_token"]

    deployment.wait(29 * DAY)
    run_once(deployment.server)
    assert client.refresh(token).json["error"] == "invalid_grant", "its absolute end"
    assert count(deployment, "clients") == 1, "it was used a month ago"


def test_106_a_grant_that_lives_longer_than_idle_clients_keeps_its_client(
    sqlite_url, idp, tmp_path
):
    more = '[tokens]\nrefresh_idle_lifetime = "300d"\n[registration]\nidle_lifetime = "30d"\n'
    with Deployment.start(tmp_path, sqlite_url, idp, more=more) as deployment:
        client = McpClient(deployment).register()
        token = client.connect()["refresh_token"]
        deployment.wait(299 * DAY)
        for _ in range(2):
            run_once(deployment.server)

        assert client.refresh(token).status_code == 200


def test_106_a_client_whose_grants_have_all_ended_goes_after_ninety_days(deployment):
    client = McpClient(deployment).register()
    client.connect()
    for waited, left in ((89, 1), (2, 0)):
        deployment.wait(waited * DAY)
        run_once(deployment.server)
        assert count(deployment, "clients") == left

    page = Browser(deployment).get(client.authorize_url())
    assert (page.status_code, "not registered" in page.get_data(as_text=True)) == (400, True)


def test_106_a_client_that_was_only_ever_denied_counts_as_unused(deployment):
    client = McpClient(deployment).register()
    browser = Browser(deployment)
    decide(browser, consent_page(client, browser), "deny")
    deployment.wait(7 * DAY + 1)
    for _ in range(2):  # the first round takes the request that the client was kept for
        run_once(deployment.server)

    assert count(deployment, "clients") == 0


def test_106_an_operators_client_is_never_gone(deployment):
    registered(deployment, "https://app.example/cb", assured=True)
    deployment.wait(1000 * DAY)
    run_once(deployment.server)

    assert count(deployment, "clients") == 1

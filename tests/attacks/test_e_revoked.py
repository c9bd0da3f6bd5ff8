"""Cases 83, 84: what ends a family of refresh tokens, and which families it does not end"""

import pytest

from authserver.oauth import epoch
from tests.actors import RESOURCE, Browser, McpClient, response_of
from tests.attacks.stored import ended_by, grant_of


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


def refused(answer, code="invalid_grant", status=400):
    assert (answer.status_code, answer.json["error"]) == (status, code), answer.json


@pytest.mark.spec("OAuth 2.1", "4.3.1")
@pytest.mark.parametrize("ended", ["consent", "user", "client", "session at the IdP"])
def test_083_what_a_family_hangs_on_ends_every_family_that_hangs_on_it(client, ended):
    elsewhere = client.connect(Browser(client.deployment))
    token = client.connect()["refresh_token"]
    grant = grant_of(client, token)
    assert grant.upstream_sid
    ended_by(client, {
        "consent": epoch.consent(grant.sub, grant.client_id, RESOURCE),
        "user": epoch.user(grant.sub),
        "client": epoch.client(grant.client_id),
        "session at the IdP": epoch.upstream_session(grant.upstream_sid),
    }[ended])  # fmt: skip

    refused(client.refresh(token))
    refused(client.refresh(elsewhere["refresh_token"]))

    again = client.connect(Browser(client.deployment))
    assert client.refresh(again["refresh_token"]).status_code == 200


@pytest.mark.parametrize("ended", ["consent", "user"])
def test_083_another_users_family_lives(client, ended):
    browser = Browser(client.deployment)
    client.deployment.idp.claims = {"sid": "session-of-another"}
    kept = client.redeem(_code_of(client, browser, "user-2")).json["refresh_token"]
    grant = grant_of(client, client.connect()["refresh_token"])
    consent = epoch.consent(grant.sub, grant.client_id, RESOURCE)

    ended_by(client, consent if ended == "consent" else epoch.user(grant.sub))

    assert client.refresh(kept).status_code == 200


def _code_of(client, browser, subject):
    return response_of(browser.approve(client.authorize_url(), subject))["code"]


def test_083_a_client_that_was_deleted_is_no_client_any_more(client):
    token = client.connect()["refresh_token"]
    with client.deployment.server.store.write() as tx:
        tx.delete_client(client.client_id)

    refused(client.refresh(token), "invalid_client", 401)


def test_083_a_resource_that_is_configured_no_more_is_not_refreshed(client, monkeypatch):
    token = client.connect()["refresh_token"]

    with monkeypatch.context() as changed:
        changed.setattr(type(client.deployment.server), "resource", lambda *_: None)
        refused(client.refresh(token))

    assert client.refresh(token).status_code == 200


@pytest.mark.parametrize("whose", ["user", "client", "consent"])
def test_084_nothing_that_was_issued_before_is_good_and_all_that_comes_after_is(client, whose):
    tokens = client.connect(scope="openid issues:read")
    code = client.code(scope="openid issues:read")
    grant = grant_of(client, tokens["refresh_token"])
    subject = {
        "user": epoch.user(grant.sub),
        "client": epoch.client(grant.client_id),
        "consent": epoch.consent(grant.sub, grant.client_id, RESOURCE),
    }[whose]

    ended_by(client, subject)

    refused(client.refresh(tokens["refresh_token"]))
    refused(client.redeem(code))
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert client.deployment.http().get("/userinfo", headers=bearer).status_code == 401
    assert client.refresh(client.connect()["refresh_token"]).status_code == 200

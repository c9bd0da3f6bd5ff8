"""Case 195: a database that fails in the middle leaves nothing half done, and is forgiven"""

import sqlite3
import time
from contextlib import ExitStack

import pytest
from sqlalchemy import text

from tests.actors import Browser, McpClient, forms_of, response_of
from tests.attacks.faulty_sqlite import failing, make_faulty

ANSWERS_WITHIN = 7  # seconds: a turn, a lock and a pool each have their patience


@pytest.fixture
def client(deployment):
    make_faulty(deployment.server.store)
    return McpClient(deployment).register()


def count(client, table, where="1 = 1"):
    with client.deployment.server.store._engine.connect() as connection:
        return connection.execute(text(f"SELECT count(*) FROM {table} WHERE {where}")).scalar()  # noqa: S608


def unavailable(answer):
    assert (answer.status_code, answer.json["error"]) == (503, "temporarily_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Cache-Control"] == "no-store"
    assert "disk" not in answer.get_data(as_text=True)


AT_REDEMPTION = ["SELECT", "BEGIN", "UPDATE codes", "INSERT INTO grants", "COMMIT"]


@pytest.mark.parametrize("statement", AT_REDEMPTION)
def test_195_a_redemption_that_fails_leaves_the_code_unspent_and_no_grant(client, statement):
    code = client.code()

    with failing(statement):
        unavailable(client.redeem(code))

    assert count(client, "codes", "spent_at IS NOT NULL") == count(client, "grants") == 0
    tokens = client.redeem(code)
    assert tokens.status_code == 200
    assert client.refresh(tokens.json["refresh_token"]).status_code == 200


@pytest.mark.parametrize("statement", ["SELECT", "BEGIN", "UPDATE grants", "COMMIT"])
def test_195_a_refresh_that_fails_leaves_the_token_current(client, statement):
    token = client.connect()["refresh_token"]

    with failing(statement):
        unavailable(client.refresh(token))

    assert count(client, "grants", "generation = 0") == 1
    client.deployment.wait(3600)  # no grace is needed
    assert client.refresh(token).status_code == 200


@pytest.mark.parametrize("statement", ["UPDATE grants", "COMMIT"])
def test_195_a_revocation_that_failed_is_made_by_the_next_replay(client, statement):
    code = client.code()
    token = client.redeem(code).json["refresh_token"]
    client.deployment.wait(60)

    with failing(statement):
        unavailable(client.redeem(code))
    assert count(client, "grants", "revoked_at IS NOT NULL") == 0

    assert client.redeem(code).json["error"] == "invalid_grant"
    assert client.refresh(token).json["error"] == "invalid_grant"


def test_195_an_answer_that_was_lost_after_its_commit_is_given_again(client):
    token = client.connect()["refresh_token"]

    with failing(after_commit=True):
        unavailable(client.refresh(token))
    again = client.refresh(token)

    assert again.status_code == 200
    assert count(client, "grants", "generation = 1") == 1
    assert client.refresh(again.json["refresh_token"]).status_code == 200


def test_195_a_redemption_that_was_lost_after_its_commit_is_not_taken_for_a_theft(client):
    code = client.code()

    with failing(after_commit=True):
        unavailable(client.redeem(code))

    assert client.redeem(code).json["error"] == "invalid_grant"
    assert count(client, "grants", "revoked_at IS NULL") == 1


@pytest.mark.parametrize("statement", ["INSERT INTO clients", "COMMIT"])
def test_195_a_registration_that_fails_leaves_no_client(client, statement):
    document = {"redirect_uris": ["http://127.0.0.1/"]}

    with failing(statement):
        unavailable(client.deployment.http().post("/register", json=document))

    assert count(client, "clients") == 1


def approve(browser, page):
    form = next(i for i, each in enumerate(forms_of(page)) if browser._decides(each))
    return browser.submit(page, form, decision="approve")


@pytest.mark.parametrize(
    "statement",
    ["UPDATE pending_authorizations", "INSERT INTO codes", "INSERT INTO consents", "COMMIT"],
)
def test_195_an_approval_that_fails_can_be_given_again(client, statement):
    browser = Browser(client.deployment)
    page = browser.sign_in(browser.get(client.authorize_url()))

    with failing(statement):
        failed = approve(browser, page)
    assert failed.status_code == 503
    assert count(client, "codes") == count(client, "consents") == 0

    code = response_of(approve(browser, page))["code"]
    assert client.redeem(code).status_code == 200


def test_195_a_bug_after_the_code_was_spent_rolls_back(client, monkeypatch):
    code = client.code()
    with monkeypatch.context() as broken:
        broken.setattr("authserver.storage.grants.GrantWrites.add_grant", None)
        answer = client.redeem(code)

    assert (answer.status_code, answer.json["error"]) == (500, "server_error")
    assert client.redeem(code).status_code == 200


def test_195_a_locked_database_is_answered_in_time_and_recovers(client):
    code = client.code()
    path = client.deployment.settings.database_url.removeprefix("sqlite:///")
    locking = sqlite3.connect(path, isolation_level=None)
    locking.execute("BEGIN IMMEDIATE")

    began = time.monotonic()
    unavailable(client.redeem(code))
    assert time.monotonic() - began < ANSWERS_WITHIN
    locking.execute("ROLLBACK")
    locking.close()

    assert client.redeem(code).status_code == 200


def test_195_without_a_free_connection_it_answers_in_time_and_recovers(client):
    code = client.code()
    with ExitStack() as held:
        for _ in range(20):
            held.enter_context(client.deployment.server.store.read())
        began = time.monotonic()
        unavailable(client.redeem(code))
        assert time.monotonic() - began < ANSWERS_WITHIN

    assert client.redeem(code).status_code == 200

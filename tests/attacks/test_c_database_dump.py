"""Case 50: whoever copies the database holds nothing that any endpoint accepts"""

import sqlite3
from dataclasses import replace

import pytest

from authserver import sealing
from authserver.oauth import refresh_token
from authserver.sealing import SealingKey
from tests.actors import Browser, Deployment, McpClient, response_of
from tests.attacks.stored import grant_of


@pytest.fixture
def deployment(sqlite_url, idp, tmp_path):
    """A server that lets anybody guess as often as they like."""
    more = "[rate_limits]\nfailures_per_client = 0\n"
    with Deployment.start(tmp_path, sqlite_url, idp, more=more) as started:
        yield started


@pytest.fixture
def confidential(deployment):
    metadata = {"token_endpoint_auth_method": "client_secret_post"}
    return McpClient(deployment, metadata=metadata).register()


def dump(deployment):
    """Return the whole database as text and as bytes."""
    path = deployment.settings.database_url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        text = "\n".join(connection.iterdump())
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    with open(path, "rb") as file:  # noqa: PTH123 - one line
        return text, file.read()


@pytest.mark.spec("OAuth 2.1", "7.7")
def test_050_no_secret_that_was_handed_out_stands_in_the_database(confidential):
    browser = Browser(confidential.deployment)
    code = response_of(browser.approve(confidential.authorize_url()))["code"]
    unspent = confidential.code(browser)
    tokens = confidential.redeem(code).json
    rotated = confidential.refresh(tokens["refresh_token"]).json
    cookies = [cookie.value for cookie in (browser.client._cookies or {}).values()]
    assert len(set(cookies)) == 2
    issued = [code, unspent, confidential.client_secret, *cookies]
    issued += [each[name] for each in (tokens, rotated) for name in sorted(each) if "token" in name]

    text, raw = dump(confidential.deployment)

    assert confidential.client_id in text
    for secret in (each for each in issued if each != "Bearer"):
        assert len(secret) >= 43
        assert secret not in text
        assert secret.encode() not in raw
        assert secret[-40:].encode() not in raw


def test_050_what_stands_in_the_database_redeems_nothing(confidential):
    unspent = confidential.code()
    with confidential.deployment.server.store.read() as reads:
        client = reads.client(confidential.client_id)
    text, _ = dump(confidential.deployment)
    digests = {each for each in text.split("'") if len(each) == 64}
    assert client.secret_digest in digests

    for digest in digests:
        assert confidential.redeem(digest).json["error"] == "invalid_grant"
        stolen = confidential.code_params(unspent, client_secret=digest)
        assert confidential.token(stolen).json["error"] == "invalid_client"


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


def test_050_a_grants_row_alone_makes_no_refresh_token(client, deployment):
    token = client.connect()["refresh_token"]
    grant = grant_of(client, token)
    kid = deployment.server.refresh_keys.keys[0][0]
    assert refresh_token.issue(deployment.server.refresh_keys, grant) == token

    guessed = SealingKey(kid, b"a key that is not the operator's")
    forged = refresh_token.issue(sealing.refresh_keys((guessed,)), replace(grant, generation=0))

    assert client.refresh(forged).json["error"] == "invalid_grant"
    assert client.refresh(token).status_code == 200


def test_050_the_id_in_an_access_token_is_not_the_handle_of_the_refresh_token(client):
    grant = grant_of(client, client.connect()["refresh_token"])

    assert grant.handle not in grant.id
    assert grant.id not in grant.handle

"""POST /introspect: whether a token holds, for those whom it concerns: RFC 7662"""

import pytest

from authserver.oauth import epoch
from tests.actors import RESOURCE, McpClient, claims_of
from tests.exchanging import WIKI, basic, exchanged, form, start


@pytest.fixture
def deployment(sqlite_url, idp, tmp_path):
    with start(tmp_path, sqlite_url, idp) as started:
        yield started


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


@pytest.fixture
def token(client):
    return client.connect()["access_token"]


def introspect(deployment, token, by="issues", **changes):
    return form(deployment, "/introspect", {"token": token, **changes}, headers=basic(by))


@pytest.mark.spec("RFC 7662", "2.2")
def test_the_server_that_a_token_is_for_hears_all_it_says(deployment, client, token):
    answer = introspect(deployment, token)

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in answer.headers
    claims = claims_of(token)
    assert answer.json == {
        "active": True,
        "token_type": "Bearer",
        "iss": deployment.issuer,
        "sub": claims["sub"],
        "aud": RESOURCE,
        "client_id": client.client_id,
        "scope": "issues:read issues:write",
        "iat": claims["iat"],
        "exp": claims["exp"],
        "jti": claims["jti"],
        "auth_time": claims["auth_time"],
    }


def test_an_exchanged_token_says_who_acts_and_not_where_it_came_from(deployment, token):
    wiki = exchanged(deployment, "issues", token)
    found = introspect(deployment, wiki, by="wiki").json
    assert found["act"] == {"iss": deployment.issuer, "sub": "issues"}
    assert found["aud"] == WIKI
    assert not {"via", "grant_id", "anchor"} & set(found)


def test_a_client_of_the_configuration_hears_of_what_was_issued_to_it(deployment, token):
    wiki = exchanged(deployment, "chat", token)
    assert introspect(deployment, wiki, by="chat").json["active"] is True


INACTIVE = {"active": False}


@pytest.mark.spec("RFC 7662", "2.2")
def test_nobody_else_hears_anything(deployment, token):
    for other in ("wiki", "notes", "chat"):
        answer = introspect(deployment, token, by=other)
        assert (answer.status_code, answer.json) == (200, INACTIVE)


def test_a_client_that_registered_itself_hears_of_its_own_refresh_token_alone(deployment):
    secretive = McpClient(
        deployment, metadata={"token_endpoint_auth_method": "client_secret_post"}
    ).register()
    tokens = secretive.connect()
    mine = {"client_id": secretive.client_id, "client_secret": secretive.client_secret}

    found = form(deployment, "/introspect", {"token": tokens["refresh_token"], **mine}).json
    assert (found["active"], found["client_id"]) == (True, secretive.client_id)
    assert found["exp"] == deployment.clock.now + 30 * 86400
    access = form(deployment, "/introspect", {"token": tokens["access_token"], **mine}).json
    assert access == INACTIVE
    assert introspect(deployment, tokens["refresh_token"]).json == INACTIVE


def test_a_refresh_token_that_was_rotated_away_is_inactive(deployment):
    secretive = McpClient(
        deployment, metadata={"token_endpoint_auth_method": "client_secret_post"}
    ).register()
    mine = {"client_id": secretive.client_id, "client_secret": secretive.client_secret}
    first = secretive.connect()["refresh_token"]
    second = secretive.refresh(first).json["refresh_token"]

    def active(token):
        return form(deployment, "/introspect", {"token": token, **mine}).json["active"]

    assert (active(first), active(second)) == (False, True)
    form(deployment, "/revoke", {"token": second, **mine})
    assert not active(second)
    third = secretive.connect()["refresh_token"]
    deployment.wait(30 * 86400)
    assert not active(third)


@pytest.mark.spec("RFC 7662", "2.1")
def test_without_credentials_there_is_no_answer(deployment, client, token):
    for params in ({"token": token}, {"token": token, "client_id": client.client_id}):
        answer = form(deployment, "/introspect", params)
        assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("token", ["x", "a.b.c", "mcpas_rt_x", " ", "x" * 20_000])
def test_what_is_no_token_is_inactive(deployment, token):
    assert introspect(deployment, token).json == INACTIVE


def test_a_token_is_needed(deployment):
    answer = form(deployment, "/introspect", {}, headers=basic("issues"))
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_an_expired_token_is_inactive(deployment, token):
    deployment.wait(900)
    assert introspect(deployment, token).json == INACTIVE


@pytest.mark.parametrize("what", ["user", "client", "consent"])
def test_what_was_revoked_is_inactive_at_once(deployment, client, token, what):
    sub = claims_of(token)["sub"]
    subjects = {
        "user": epoch.user(sub),
        "client": epoch.client(client.client_id),
        "consent": epoch.consent(sub, client.client_id, RESOURCE),
    }
    with deployment.server.store.write() as tx:
        tx.bump_epoch(subjects[what])
    assert introspect(deployment, token).json == INACTIVE
    assert deployment.last("token.introspected")["reason"] == "revoked"


def test_it_costs_two_reads(deployment, token):
    introspect(deployment, token)
    with deployment.server.store.counting() as count:
        introspect(deployment, token)
    assert len(count.statements) <= 2, count.statements
    assert count.commits == 0

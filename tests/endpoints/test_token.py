"""POST /token over HTTP: what an MCP client gets, and what it is refused"""

import pytest

from authserver.oauth.refresh_token import PREFIX
from tests.actors import ISSUER, RESOURCE, Browser, McpClient, claims_of


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


@pytest.mark.spec("RFC 9068", "2.2")
def test_an_access_token_names_issuer_user_client_scope_and_exactly_one_audience(client):
    tokens = client.connect()

    claims = claims_of(tokens["access_token"])
    assert claims["iss"] == ISSUER
    assert claims["aud"] == RESOURCE
    assert claims["client_id"] == client.client_id
    assert claims["scope"] == "issues:read issues:write"
    assert claims["exp"] - claims["iat"] == tokens["expires_in"] == 900
    assert claims["sub"].startswith("usr-")
    assert set(claims) == {
        "iss", "sub", "aud", "client_id", "scope", "iat", "exp", "jti", "auth_time", "grant_id",
    }  # fmt: skip


def test_the_answer_carries_all_that_a_client_needs_to_refresh(client):
    tokens = client.connect()

    assert set(tokens) == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}
    assert tokens["token_type"] == "Bearer"
    assert tokens["refresh_token"].startswith(PREFIX)
    assert None not in tokens.values()


@pytest.mark.spec("OAuth 2.1", "4.3.1")
def test_a_refresh_rotates_the_token_and_keeps_scope_and_user(client):
    first = client.connect()

    second = client.refresh(first["refresh_token"])

    assert second.status_code == 200
    assert second.json["refresh_token"] != first["refresh_token"]
    assert second.json["scope"] == first["scope"]
    old, new = claims_of(first["access_token"]), claims_of(second.json["access_token"])
    assert (old["sub"], old["grant_id"]) == (new["sub"], new["grant_id"])
    assert old["jti"] != new["jti"]


def test_a_lost_refresh_answer_is_given_again_with_the_same_successor(client):
    tokens = client.connect()
    first = client.refresh(tokens["refresh_token"]).json

    client.deployment.wait(59)
    again = client.refresh(tokens["refresh_token"])

    assert again.status_code == 200
    assert again.json["refresh_token"] == first["refresh_token"]


@pytest.mark.spec("RFC 9700", "4.14.2")
def test_reuse_after_the_grace_ends_the_whole_family(client):
    tokens = client.connect()
    successor = client.refresh(tokens["refresh_token"]).json["refresh_token"]

    client.deployment.wait(61)
    reuse = client.refresh(tokens["refresh_token"])
    after = client.refresh(successor)

    assert (reuse.status_code, reuse.json["error"]) == (400, "invalid_grant")
    assert (after.status_code, after.json["error"]) == (400, "invalid_grant")
    assert client.deployment.events[-2]["reason"] == "refresh_token_reused_grant_revoked"


def test_a_used_successor_ends_the_grace(client):
    first = client.connect()["refresh_token"]
    second = client.refresh(first).json["refresh_token"]
    client.refresh(second)

    assert client.refresh(first).json["error"] == "invalid_grant"


def test_an_idle_refresh_token_expires_and_use_keeps_it_alive(client):
    day = 86400
    token = client.connect()["refresh_token"]
    client.deployment.wait(29 * day)
    token = client.refresh(token).json["refresh_token"]

    client.deployment.wait(29 * day)
    kept = client.refresh(token)
    client.deployment.wait(31 * day)
    idle = client.refresh(kept.json["refresh_token"])

    assert kept.status_code == 200
    assert idle.json["error"] == "invalid_grant"


@pytest.mark.spec("OAuth 2.1", "4.3.3")
def test_a_refresh_may_narrow_the_scope_and_the_next_may_have_it_all_again(client):
    tokens = client.connect()

    narrow = client.refresh(tokens["refresh_token"], scope="issues:read").json
    wide = client.refresh(narrow["refresh_token"]).json

    assert narrow["scope"] == "issues:read"
    assert claims_of(narrow["access_token"])["scope"] == "issues:read"
    assert wide["scope"] == "issues:read issues:write"


def test_openid_brings_an_id_token_and_userinfo_answers(client):
    tokens = client.connect(scope="openid email issues:read", nonce="n-1")

    claims = claims_of(tokens["id_token"])
    assert (claims["aud"], claims["nonce"]) == (client.client_id, "n-1")
    answer = client.deployment.http().get(
        "/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"}
    )
    assert answer.json["sub"] == claims["sub"] == claims_of(tokens["access_token"])["sub"]


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_client_that_asks_for_a_secret_gets_one_and_must_use_it(deployment, method):
    client = McpClient(deployment, metadata={"token_endpoint_auth_method": method}).register()
    code = client.code()
    params = client.code_params(code)
    basic = deployment.http()

    without = client.token(params, headers={})
    if method == "client_secret_post":
        right = client.token({**params, "client_secret": client.client_secret})
    else:
        right = basic.post("/token", data=params, auth=(client.client_id, client.client_secret))

    assert (without.status_code, without.json["error"]) == (401, "invalid_client")
    assert right.status_code == 200, right.json


def test_two_browsers_of_one_user_have_two_grants(client):
    first = client.connect(Browser(client.deployment))
    second = client.connect(Browser(client.deployment))

    subs = {claims_of(t["access_token"])["sub"] for t in (first, second)}
    grants = {claims_of(t["access_token"])["grant_id"] for t in (first, second)}
    assert (len(subs), len(grants)) == (1, 2)

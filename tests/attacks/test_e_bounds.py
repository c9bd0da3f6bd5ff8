"""Cases 78-80, 86: whose a refresh token is, for what, and what is none"""

from dataclasses import replace

import pytest

from authserver.oauth import refresh_token
from tests.actors import RESOURCE, McpClient, claims_of
from tests.attacks.stored import grant_of

WIKI = "https://wiki.example/mcp"


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


def refused(answer, code="invalid_grant", status=400):
    assert (answer.status_code, answer.json["error"]) == (status, code), answer.json


@pytest.mark.spec("OAuth 2.1", "4.3.1")
@pytest.mark.parametrize("method", ["none", "client_secret_post"])
@pytest.mark.parametrize("rotations", [0, 1, 2])
def test_078_a_token_of_another_client_is_refused_and_its_family_lives(client, method, rotations):
    metadata = {"token_endpoint_auth_method": method}
    thief = McpClient(client.deployment, metadata=metadata).register()
    stolen = current = client.connect()["refresh_token"]
    for _ in range(rotations):
        current = client.refresh(current).json["refresh_token"]

    client.deployment.wait(61)
    refused(thief.refresh(stolen))
    refused(thief.refresh(current))

    assert client.refresh(current).status_code == 200


def test_078_without_its_secret_a_confidential_clients_token_is_refused_and_lives(deployment):
    metadata = {"token_endpoint_auth_method": "client_secret_post"}
    client = McpClient(deployment, metadata=metadata).register()
    first = client.connect()["refresh_token"]
    current = client.refresh(first).json["refresh_token"]
    deployment.wait(61)
    params = {"grant_type": "refresh_token", "client_id": client.client_id}

    for token in (first, current):
        refused(client.token({**params, "refresh_token": token}, headers={}), "invalid_client", 401)

    assert client.refresh(current).status_code == 200


@pytest.mark.spec("OAuth 2.1", "4.3.1")
@pytest.mark.parametrize(
    "scope", ["issues:read issues:write", "issues:read openid", "wiki:read", "offline_access", "*"]
)
def test_079_a_refresh_never_widens_the_scope_and_the_token_stays_good(client, scope):
    token = client.connect(scope="issues:read")["refresh_token"]

    refused(client.refresh(token, scope=scope), "invalid_scope")

    assert client.refresh(token).json["scope"] == "issues:read"


@pytest.mark.spec("OAuth 2.1", "4.3.3")
def test_079_a_narrow_access_token_leaves_the_grant_as_wide_as_it_was(client):
    token = client.connect(scope="openid issues:read issues:write")["refresh_token"]
    for scope in ("issues:read", "openid", "issues:write issues:read"):
        answer = client.refresh(token, scope=scope).json
        token = answer["refresh_token"]
        assert answer["scope"] == claims_of(answer["access_token"])["scope"] == scope

    wide = {"openid", "issues:read", "issues:write"}
    assert set(client.refresh(token).json["scope"].split()) == wide


def test_079_a_refused_scope_does_not_turn_a_replay_into_a_refresh(client):
    first = client.connect(scope="issues:read")["refresh_token"]
    second = client.refresh(first).json["refresh_token"]
    third = client.refresh(second).json["refresh_token"]

    refused(client.refresh(first, scope="wiki:read"), "invalid_scope")
    assert client.refresh(third).status_code == 200


@pytest.mark.spec("RFC 8707", "2.2")
@pytest.mark.parametrize("resource", [WIKI, [RESOURCE, WIKI], f"{RESOURCE}/x", "x", "https://é/"])
def test_080_a_resource_outside_the_grant_is_refused_and_the_token_stays_good(client, resource):
    token = client.connect()["refresh_token"]

    refused(client.refresh(token, resource=resource), "invalid_target")

    answer = client.refresh(token, resource=None)
    assert claims_of(answer.json["access_token"])["aud"] == RESOURCE


def test_086_an_access_token_is_no_refresh_token_and_a_refresh_token_no_bearer(client):
    tokens = client.connect(scope="openid")

    for name in ("access_token", "id_token"):
        refused(client.refresh(tokens[name]))
    for token in (tokens["refresh_token"], tokens["id_token"], client.code()):
        bearer = {"Authorization": f"Bearer {token}"}
        answer = client.deployment.http().get("/userinfo", headers=bearer)
        assert (answer.status_code, answer.json["error"]) == (401, "invalid_token")


def altered(token):
    """Return spellings and alterations of a token."""
    raw = token.removeprefix(refresh_token.PREFIX)
    for place in (0, 20, 27, 33, 40, len(raw) - 2):
        other = "A" if raw[place] != "A" else "B"
        yield refresh_token.PREFIX + raw[:place] + other + raw[place + 1 :]
    yield from (raw, token + "=", token + "A", token[:-1], token.upper(), f" {token}", f"{token}\n")
    yield refresh_token.PREFIX + token


def test_086_an_altered_token_is_none_and_revokes_nothing(client):
    token = client.connect()["refresh_token"]

    for other in altered(token):
        refused(client.refresh(other))

    assert client.refresh(token).status_code == 200


def test_086_a_token_from_before_a_backup_was_restored_is_refused_and_revokes_nothing(client):
    token = client.connect()["refresh_token"]
    grant = grant_of(client, token)
    keys = client.deployment.server.refresh_keys

    for generation in (1, 2, 100, 2**32 - 1):
        refused(client.refresh(refresh_token.issue(keys, replace(grant, generation=generation))))

    assert client.deployment.last("request.refused")["reason"] == "refresh_token_unknown_generation"
    assert client.refresh(token).status_code == 200

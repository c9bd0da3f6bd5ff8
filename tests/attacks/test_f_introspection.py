"""Cases 97, 98, 181: introspection and revocation by those whom a token does not concern"""

import pytest

from tests.actors import McpClient
from tests.exchanging import basic, exchanged, form, start


@pytest.fixture
def deployment(sqlite_url, idp, tmp_path):
    with start(tmp_path, sqlite_url, idp) as started:
        yield started


def introspected(deployment, token, by):
    return form(deployment, "/introspect", {"token": token}, headers=basic(by)).json


@pytest.mark.spec("RFC 7662", "4")
def test_097_introspection_tells_nothing_to_whom_it_does_not_concern(deployment):
    client = McpClient(deployment).register()
    tokens = client.connect()
    token = tokens["access_token"]

    nobody = form(deployment, "/introspect", {"token": token})
    assert nobody.status_code == 401
    for guess in (basic("issues", "guess"), basic("nobody", "guess")):
        assert form(deployment, "/introspect", {"token": token}, headers=guess).status_code == 401
    assert introspected(deployment, token, "wiki") == {"active": False}
    assert introspected(deployment, token, "issues")["active"] is True
    form(deployment, "/revoke", {"token": tokens["refresh_token"], "client_id": client.client_id})
    assert introspected(deployment, token, "issues") == {"active": False}


@pytest.mark.spec("RFC 7009", "2.1")
def test_098_a_revocation_ends_what_is_the_clients_own_and_nothing_else(deployment):
    client, other = (McpClient(deployment).register() for _ in range(2))
    tokens = client.connect()
    for token in ("unknown", tokens["refresh_token"], tokens["access_token"]):
        params = {"token": token, "client_id": other.client_id}
        assert form(deployment, "/revoke", params).status_code == 200
    second = client.refresh(tokens["refresh_token"]).json
    assert introspected(deployment, tokens["access_token"], "issues")["active"] is True

    mine = {"client_id": client.client_id, "token_type_hint": "access_token"}
    form(deployment, "/revoke", {"token": second["refresh_token"], **mine})
    assert client.refresh(second["refresh_token"]).json["error"] == "invalid_grant"
    for each in (tokens, second):
        assert introspected(deployment, each["access_token"], "issues") == {"active": False}


def test_181_what_was_exchanged_is_inactive_once_its_grant_has_ended(deployment):
    client = McpClient(deployment).register()
    tokens = client.connect()
    wiki = exchanged(deployment, "issues", tokens["access_token"])
    notes = exchanged(deployment, "wiki", wiki, audience="notes")
    mine = {"client_id": client.client_id, "token": tokens["refresh_token"]}
    form(deployment, "/revoke", mine)

    assert introspected(deployment, wiki, "wiki") == {"active": False}
    assert introspected(deployment, notes, "notes") == {"active": False}

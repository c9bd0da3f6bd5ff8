"""POST /revoke: a client gives back what it has: RFC 7009"""

import pytest

from tests.actors import Browser, McpClient, claims_of
from tests.exchanging import basic, exchange, exchanged, form, start


@pytest.fixture
def deployment(sqlite_url, idp, tmp_path):
    with start(tmp_path, sqlite_url, idp) as started:
        yield started


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


@pytest.fixture
def tokens(client):
    return client.connect()


def revoke(client, token, **changes):
    params = {"token": token, "client_id": client.client_id, **changes}
    return form(client.deployment, "/revoke", params)


def is_active(deployment, token, by="issues"):
    answer = form(deployment, "/introspect", {"token": token}, headers=basic(by))
    assert answer.status_code == 200
    return answer.json["active"]


@pytest.mark.spec("RFC 7009", "2.1")
@pytest.mark.parametrize("hint", [None, "refresh_token", "access_token", "nonsense"])
def test_a_refresh_token_ends_its_whole_family(client, tokens, hint):
    hints = {} if hint is None else {"token_type_hint": hint}
    answer = revoke(client, tokens["refresh_token"], **hints)

    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Cache-Control"] == "no-store"
    assert client.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert not is_active(client.deployment, tokens["access_token"])
    assert client.deployment.last("token.revoked")["what"].startswith("grant ")


def test_a_refresh_token_that_was_rotated_away_still_names_its_family(client, tokens):
    newer = client.refresh(tokens["refresh_token"]).json
    assert revoke(client, tokens["refresh_token"]).status_code == 200
    assert client.refresh(newer["refresh_token"]).json["error"] == "invalid_grant"


@pytest.mark.spec("RFC 7009", "2.1")
@pytest.mark.parametrize("hint", ["access_token", "refresh_token"])
def test_an_access_token_ends_alone_with_what_was_exchanged_from_it(client, tokens, hint):
    deployment, token = client.deployment, tokens["access_token"]
    wiki = exchanged(deployment, "issues", token)
    assert revoke(client, token, token_type_hint=hint).status_code == 200

    assert not is_active(deployment, token)
    assert not is_active(deployment, wiki, by="wiki")
    assert exchange(deployment, "issues", token).json["error"] == "invalid_request"
    again = client.refresh(tokens["refresh_token"]).json["access_token"]
    assert is_active(deployment, again)


def test_a_grant_ends_every_hop_of_a_chain(client, tokens):
    deployment = client.deployment
    wiki = exchanged(deployment, "issues", tokens["access_token"])
    notes = exchanged(deployment, "wiki", wiki, audience="notes")
    assert is_active(deployment, notes, by="notes")

    revoke(client, tokens["refresh_token"])

    assert not is_active(deployment, wiki, by="wiki")
    assert not is_active(deployment, notes, by="notes")
    answer = exchange(deployment, "notes", notes, audience="issues")
    assert answer.json["error"] == "invalid_request"


@pytest.mark.spec("RFC 7009", "2.2")
def test_whatever_is_not_the_clients_own_is_left_alone_and_nobody_is_told(client, tokens):
    other = McpClient(client.deployment).register()
    strange = (
        tokens["refresh_token"], tokens["access_token"], "nonsense", "a.b.c",
        tokens["refresh_token"][:-1], tokens["refresh_token"] + "x",
    )  # fmt: skip
    for token in strange:
        answer = revoke(other, token)
        assert (answer.status_code, answer.data) == (200, b"")
    for token in strange[2:]:
        assert revoke(client, token).status_code == 200
    assert is_active(client.deployment, tokens["access_token"])
    assert client.refresh(tokens["refresh_token"]).status_code == 200


def test_an_exchanged_token_is_its_requesters_to_revoke(client, tokens):
    deployment = client.deployment
    wiki = exchanged(deployment, "issues", tokens["access_token"])
    revoke(client, wiki)
    assert is_active(deployment, wiki, by="wiki")
    answer = form(deployment, "/revoke", {"token": wiki}, headers=basic("issues"))
    assert answer.status_code == 200
    assert not is_active(deployment, wiki, by="wiki")
    assert is_active(deployment, tokens["access_token"])


@pytest.mark.parametrize(
    ("params", "status", "error"),
    [
        ({"token": "x"}, 401, "invalid_client"),
        ({"token": "x", "client_id": "mcp-unknown"}, 401, "invalid_client"),
        ({"token": "x", "client_id": "issues", "client_secret": "y"}, 401, "invalid_client"),
    ],
    ids=str,
)
def test_a_client_proves_itself(deployment, params, status, error):
    answer = form(deployment, "/revoke", params)
    assert (answer.status_code, answer.json["error"]) == (status, error)


def test_a_token_is_needed(client):
    answer = form(client.deployment, "/revoke", {"client_id": client.client_id})
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_a_grant_is_not_revived_and_revoking_twice_is_fine(client, tokens):
    first = Browser(client.deployment)
    assert [revoke(client, tokens["refresh_token"]).status_code for _ in range(2)] == [200, 200]
    assert client.connect(first)["access_token"]


def test_revoking_an_access_token_costs_one_write(client, tokens):
    with client.deployment.server.store.counting() as count:
        revoke(client, tokens["access_token"])
    assert count.commits == 1
    assert len(count.statements) <= 2, count.statements
    with client.deployment.server.store.read() as reads:
        claims = claims_of(tokens["access_token"])
        ended = reads.grant(claims["grant_id"])
    assert ended.revoked_at is None


def test_an_access_token_that_was_revoked_is_good_for_userinfo_no_more(client):
    token = client.connect(scope="issues:read openid")["access_token"]
    http, header = client.deployment.http(), {"Authorization": f"Bearer {token}"}
    assert http.get("/userinfo", headers=header).status_code == 200
    revoke(client, token)
    assert http.get("/userinfo", headers=header).status_code == 401

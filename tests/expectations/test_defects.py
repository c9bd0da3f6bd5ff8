"""Defects that other servers had: docs/expectations.md, BD-1 to BD-26"""

from urllib.parse import parse_qs, urlsplit

import pytest

from authserver.oauth import refresh_token
from authserver.storage.tables import metadata
from tests.actors import ISSUER, RESOURCE, VERIFIER, Browser, McpClient, claims_of, response_of

FORWARDED = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Port": "666",
    "Forwarded": "host=evil.example;proto=http",
    "X-Original-Url": "/evil",
}
DOCUMENTS = (
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-protected-resource/issues",
)


@pytest.mark.spec("OAuth 2.1", "4.1.3")
@pytest.mark.parametrize("missing", ["client_id", "code_verifier", "code", "client_secret"])
def test_no_proof_may_be_left_out_when_a_code_is_redeemed(deployment, missing):
    method = "client_secret_post" if missing == "client_secret" else "none"
    client = McpClient(deployment, metadata={"token_endpoint_auth_method": method}).register()
    code = client.code()
    params = {name: value for name, value in client.code_params(code).items() if name != missing}

    refused = client.token(params, headers={})
    redeemed = client.redeem(code)

    assert refused.status_code in (400, 401)
    assert "access_token" not in refused.json
    assert redeemed.status_code == 200


def test_a_scope_that_is_not_granted_is_neither_echoed_nor_in_the_token(client):
    tokens = client.connect(scope="issues:read bogus admin wiki:read")

    assert tokens["scope"] == claims_of(tokens["access_token"])["scope"] == "issues:read"


@pytest.mark.spec("OAuth 2.1", "4.3.1")
@pytest.mark.parametrize("claimed", ["nobody", "another"])
def test_a_public_clients_refresh_token_is_bound_to_its_client(deployment, client, claimed):
    another = McpClient(deployment).register().client_id if claimed == "another" else None
    token = client.connect()["refresh_token"]

    refused = client.refresh(token, client_id=another)
    kept = client.refresh(token)

    assert refused.json["error"] == ("invalid_grant" if another else "invalid_client")
    assert kept.status_code == 200


def test_a_second_device_with_the_same_client_id_logs_nobody_out(client):
    laptop = client.connect(Browser(client.deployment))["refresh_token"]
    desktop = client.connect(Browser(client.deployment))["refresh_token"]

    for _ in range(3):
        laptop = client.refresh(laptop).json["refresh_token"]
        desktop = client.refresh(desktop).json["refresh_token"]


@pytest.mark.spec("OAuth 2.1", "2.3")
@pytest.mark.parametrize("changes", [{}, {"response_type": "token"}])
def test_the_clients_own_query_survives_success_and_error(deployment, changes):
    redirect_uri = "http://127.0.0.1:3999/callback?tenant=a%20b&flag"
    client = McpClient(deployment, redirect_uri=redirect_uri).register()

    answer = Browser(deployment).approve(client.authorize_url(**changes))

    location = answer.headers["Location"]
    assert location.startswith(f"{redirect_uri}&")
    assert ("error" if changes else "code") in parse_qs(urlsplit(location).query)


@pytest.mark.spec("OAuth 2.1", "4.1.2.1")
@pytest.mark.parametrize(
    ("changes", "proven"),
    [
        ({"redirect_uri": "https://evil.example/callback"}, False),
        ({"client_id": "mcp-unknown"}, False),
        ({"client_id": None}, False),
        ({"code_challenge": None}, True),
        ({"response_type": "token"}, True),
    ],
)
def test_errors_are_a_page_before_and_a_redirect_after_the_redirect_uri_is_proven(
    client, changes, proven
):
    answer = Browser(client.deployment).get(client.authorize_url(**changes))

    assert answer.status_code == (303 if proven else 400)
    assert answer.mimetype == "text/html"
    assert proven or "evil.example" not in answer.get_data(as_text=True)
    assert not proven or set(response_of(answer)) > {"error", "state", "iss"}


@pytest.mark.parametrize("page", ["sign-in", "consent"])
def test_a_pages_address_is_worth_nothing_in_another_browser(client, page):
    mine, theirs = Browser(client.deployment), Browser(client.deployment)
    shown = mine.get(client.authorize_url())
    if page == "consent":
        shown = mine.sign_in(shown)
    theirs.sign_in(theirs.get(client.authorize_url()))

    seen = theirs.get(f"{ISSUER}{shown.request.path}?{shown.request.query_string.decode()}")
    posted = theirs.submit(shown, -1, decision="approve")

    assert (seen.status_code, posted.status_code) == (403, 403)


@pytest.mark.spec("RFC 6749", "5.1")
def test_a_token_answer_is_stored_nowhere_and_good_for_one_resource(client):
    answer = client.redeem(client.code())

    assert answer.headers["Cache-Control"] == "no-store"
    assert claims_of(answer.json["access_token"])["aud"] == RESOURCE


@pytest.mark.parametrize(
    "state", ["1", "s" * 24, "s" * 521, "s" * 4096, "ü€😀 +&=#%2B/?", "eyJhIjoiYiJ9.x~y_z-"]
)
def test_a_state_of_any_length_and_alphabet_comes_back_unchanged(client, state):
    answer = Browser(client.deployment).approve(client.authorize_url(state=state))

    assert response_of(answer)["state"] == state


def test_no_header_of_a_request_gets_into_a_url_of_ours(deployment, client):
    http = deployment.http()
    for path in DOCUMENTS:
        hostile = {"Host": "evil.example", **FORWARDED}
        assert http.get(path, headers=hostile).data == http.get(path).data
    query = client.authorize_url().removeprefix(ISSUER)
    away = http.get(query, base_url=ISSUER, headers=FORWARDED)

    assert away.headers["Location"].startswith(f"{ISSUER}/sign-in?")
    assert "evil" not in str(away.headers)


def test_no_grant_depends_on_a_row_of_registered_clients():
    """Else a client whose id is a URL, or one that was purged, could never be granted anything."""
    assert [table.name for table in metadata.sorted_tables if table.foreign_keys] == []


def test_a_refresh_token_that_cannot_be_made_fails_the_whole_request(client, monkeypatch):
    monkeypatch.setattr(refresh_token, "issue", lambda *_: 1 / 0)

    answer = client.token(client.code_params(client.code(), code_verifier=VERIFIER))

    assert (answer.status_code, answer.json["error"]) == (500, "server_error")
    assert "access_token" not in answer.json

"""What proxies and backends rely on when they exchange a token: rows TX and LD"""

from base64 import b64encode
from urllib.parse import quote_plus

import pytest

from authserver.oauth.exchange_request import ACCESS_TOKEN
from tests.actors import RESOURCE, McpClient, claims_of
from tests.exchanging import NOTES, SECRETS, WIKI, exchange, form, start

# What ToolHive's proxy sends, in its order; a requested type and an audience are always there.
TOOLHIVE = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
    "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
}
MEMBERS = {"access_token", "issued_token_type", "token_type", "expires_in", "scope"}


@pytest.fixture
def deployment(sqlite_url, idp, tmp_path):
    with start(tmp_path, sqlite_url, idp) as started:
        yield started


@pytest.fixture
def token(deployment):
    """The user's token for the issue tracker."""
    return McpClient(deployment).register().connect()["access_token"]


def ask_as_toolhive(deployment, token, client_id="issues", **more):
    """Send what the proxy sends: id and secret each form-encoded, then joined for Basic."""
    pair = f"{quote_plus(client_id)}:{quote_plus(SECRETS[client_id])}"
    headers = {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
    params = {**TOOLHIVE, "subject_token": token, **more}
    return form(deployment, "/token", params, headers=headers)


@pytest.mark.spec("RFC 8693", "2.1")
@pytest.mark.parametrize(
    "more",
    [
        {"audience": "wiki"},
        {"audience": WIKI},
        {"audience": WIKI, "scope": "wiki:read"},
        {"audience": "wiki", "resource": WIKI, "scope": "wiki:read"},
    ],
    ids=["by name", "by url", "with a scope", "with a resource"],
)
def test_the_request_that_toolhive_sends_is_answered_as_it_reads_it(deployment, token, more):
    """TX-1, TX-2, TX-3: a secret with `:`, `%`, `+` and `/` arrives; no member is left out."""
    answer = ask_as_toolhive(deployment, token, **more)

    assert answer.status_code == 200
    assert set(answer.json) == MEMBERS
    assert (answer.json["issued_token_type"], answer.json["token_type"]) == (ACCESS_TOKEN, "Bearer")
    assert (answer.json["scope"], answer.json["expires_in"]) == ("wiki:read", 900)
    assert len(answer.get_data()) < 2**20


@pytest.mark.spec("RFC 8707", "2")
def test_an_audience_and_a_resource_that_disagree_are_refused(deployment, token):
    """TX-1."""
    for more in (
        {"audience": "wiki", "resource": NOTES},
        {"audience": "nowhere", "resource": WIKI},
        {"audience": ["wiki", "notes"]},
        {},
    ):
        answer = ask_as_toolhive(deployment, token, **more)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_target")


def test_a_backend_that_acts_for_its_user_gets_a_token_for_one_server(deployment, token):
    """LD-1: it says whose, by whom, for which server, how far and how long; nothing renews it."""
    answer = ask_as_toolhive(deployment, token, "chat", audience="wiki")

    assert "refresh_token" not in answer.json
    claims, subject = claims_of(answer.json["access_token"]), claims_of(token)
    assert (claims["aud"], claims["scope"], claims["client_id"]) == (WIKI, "wiki:read", "chat")
    assert claims["sub"] == subject["sub"]
    assert claims["act"] == {"iss": deployment.issuer, "sub": "chat"}
    assert claims["exp"] <= subject["exp"]


def test_a_limit_that_is_overstepped_is_a_refusal_and_never_a_wider_token(deployment, token):
    """LD-2: beside each refusal, what is allowed."""
    rows = (
        ("wiki", "wiki:read", 200, None),
        ("notes", None, 400, "invalid_target"),  # no way there for it
        ("wiki", "wiki:read issues:read", 400, "invalid_scope"),
        ("wiki", "issues:read", 400, "invalid_scope"),
    )
    for audience, scope, status, error in rows:
        answer = exchange(deployment, "chat", token, audience=audience, scope=scope)
        assert (answer.status_code, answer.json.get("error")) == (status, error)


def test_a_delegate_has_no_right_to_the_tokens_of_clients_it_does_not_name(
    sqlite_url, idp, tmp_path
):
    """TA-11: its sources are named; everybody's would have to be written."""
    with start(tmp_path, sqlite_url, idp, source_clients="mcp-another") as deployment:
        token = McpClient(deployment).register().connect()["access_token"]
        answer = exchange(deployment, "chat", token)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
        assert claims_of(token)["aud"] == RESOURCE

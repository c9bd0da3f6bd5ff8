"""What MCP clients check in token answers: docs/expectations.md, TB-10 to TB-22"""

import pytest

from authserver.settings import load
from tests.actors import RESOURCE, Deployment, McpClient, claims_of
from tests.upstream.hostile_idp import CLIENT_ID, NOW

SPELLINGS = [
    RESOURCE,
    f"{RESOURCE}/",
    "HTTPS://ISSUES.example/mcp",
    "https://issues.example:443/mcp",
    "https://issues.example:443/mcp/",
]
ONE_RESOURCE = """
issuer = "https://auth.example"
[upstream]
type = "oidc"
issuer = "{upstream}"
client_id = "{client_id}"
client_auth = "none"
[database]
url = "{database}"
[resources.issues]
url = "https://issues.example"
scopes = {{ "issues:read" = "Read your issues" }}
"""


@pytest.mark.parametrize("grant", ["code", "refresh"])
def test_every_token_answer_has_all_that_clients_keep(client, grant):
    """Without expires_in a token never ends for them, without scope it is empty, and so on."""
    tokens = client.connect(scope="issues:read")
    if grant == "refresh":
        tokens = client.refresh(tokens["refresh_token"]).json

    kinds = {name: type(value) for name, value in tokens.items()}
    assert kinds == {
        "access_token": str, "token_type": str, "expires_in": int, "scope": str,
        "refresh_token": str,
    }  # fmt: skip
    assert tokens["expires_in"] > 0
    assert tokens["scope"] == "issues:read"


@pytest.mark.spec("RFC 8707", "2.2")
@pytest.mark.parametrize("when", ["authorize", "code", "refresh"])
def test_the_resource_is_bound_at_authorize_and_no_later_request_changes_it(client, when):
    wiki = "https://wiki.example/mcp"
    if when == "authorize":
        assert claims_of(_token(client, client.code(resource=wiki), resource=wiki))["aud"] == wiki
        return
    if when == "code":
        code = client.code()
        refused, kept = client.redeem(code, resource=wiki), client.redeem(code)
    else:
        token = client.connect()["refresh_token"]
        refused, kept = client.refresh(token, resource=wiki), client.refresh(token)

    assert (refused.status_code, refused.json["error"]) == (400, "invalid_target")
    assert claims_of(kept.json["access_token"])["aud"] == RESOURCE


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_resource_is_known_in_every_equal_spelling_and_named_in_the_configured_one(
    client, spelling
):
    tokens = client.redeem(client.code(resource=spelling), resource=spelling).json
    refreshed = client.refresh(tokens["refresh_token"], resource=spelling).json

    assert claims_of(tokens["access_token"])["aud"] == RESOURCE
    assert claims_of(refreshed["access_token"])["aud"] == RESOURCE


@pytest.mark.parametrize("presented", [None, "https://issues.example", "https://issues.example/"])
def test_a_missing_resource_is_the_only_one_there_is(sqlite_url, idp, tmp_path, presented):
    idp.client_auth = "none"
    (tmp_path / "sealing.key").write_bytes(bytes(range(32)))
    path = tmp_path / "authserver.toml"
    path.write_text(
        ONE_RESOURCE.format(upstream=idp.issuer, client_id=CLIENT_ID, database=sqlite_url)
    )
    with Deployment(load(path), idp) as deployment:
        client = McpClient(deployment).register()
        token = _token(client, client.code(resource=presented), resource=presented)

    assert claims_of(token)["aud"] == "https://issues.example"


def test_every_dead_refresh_token_is_an_invalid_grant(client):
    """Only this code makes a client authorize again; any other and it tries for ever."""
    other = McpClient(client.deployment).register()
    rotated = client.connect()["refresh_token"]
    live = client.refresh(client.refresh(rotated).json["refresh_token"]).json["refresh_token"]
    idle = client.connect()["refresh_token"]
    client.deployment.wait(31 * 86400)
    live_now = client.connect()["refresh_token"]
    dead = {
        "reused": (client, rotated),
        "of a revoked family": (client, live),
        "idle": (client, idle),
        "of another client": (other, live_now),
        "altered": (client, live_now[:-1] + ("A" if live_now[-1] != "A" else "B")),
        "cut": (client, live_now[:-10]),
        "never issued": (client, "mcpas_rt_nonsense"),
        "an access token": (client, client.connect()["access_token"]),
    }

    for why, (who, token) in dead.items():
        answer = who.refresh(token)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant"), why
    assert client.refresh(live_now).status_code == 200


@pytest.mark.spec("RFC 6749", "5.2")
def test_the_error_code_tells_a_client_how_to_recover(deployment, client):
    stranger = McpClient(deployment, client_id="mcp-unknown")
    plain = {"grant_types": ["authorization_code"]}
    no_refresh = McpClient(deployment, metadata=plain).register()
    assert "refresh_token" not in no_refresh.connect()
    answers = {
        "register again": stranger.refresh("mcpas_rt_nonsense"),
        "also with a code": stranger.redeem("mcpas_ac_nonsense"),
        "not for this client": no_refresh.refresh("mcpas_rt_nonsense"),
        "no such grant": client.token({"grant_type": "password", "client_id": client.client_id}),
        "sign in again": client.redeem("mcpas_ac_nonsense"),
    }

    assert {why: (a.status_code, a.json["error"]) for why, a in answers.items()} == {
        "register again": (401, "invalid_client"),
        "also with a code": (401, "invalid_client"),
        "not for this client": (400, "unauthorized_client"),
        "no such grant": (400, "unsupported_grant_type"),
        "sign in again": (400, "invalid_grant"),
    }


@pytest.mark.spec("RFC 7591", "3.2.1")
@pytest.mark.parametrize("method", ["none", "client_secret_post", "client_secret_basic"])
def test_a_registration_is_answered_with_all_that_was_stored_and_no_null(deployment, method):
    sent = {
        "client_name": "Thunderbolt",
        "redirect_uris": ["http://localhost:17421", "https://app.client.example/oauth/callback"],
        "token_endpoint_auth_method": method,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": "issues:read issues:write",
        "application_type": "native",
        "software_id": "thunderbolt",
        "client_uri": "https://client.example/",
    }
    answer = deployment.http().post("/register", json=sent).json

    secret = {"client_secret", "client_secret_expires_at"} if method != "none" else set()
    assert sent.items() <= answer.items()
    assert set(answer) - set(sent) == {"client_id", "client_id_issued_at"} | secret
    assert answer["client_id_issued_at"] == NOW
    assert None not in answer.values()


def _token(client, code, **changes):
    return client.redeem(code, **changes).json["access_token"]

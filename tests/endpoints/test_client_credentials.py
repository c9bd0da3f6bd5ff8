"""POST /token with client credentials: a machine that acts for itself: OAuth 2.1 §4.2"""

import json

import pytest

from authserver.oauth import epoch
from authserver.resource_server import InvalidToken, Verifier
from tests.actors import RESOURCE, Deployment, McpClient, claims_of
from tests.exchanging import SECRETS, WIKI, basic, exchange, exchanged, form
from tests.live import deployed
from tests.upstream.jose import new_key, sign

MORE = """
[resources.notes]
url = "https://notes.example/mcp"

[resources.issues.client]
client_secrets = ["file:issues-secret"]

[clients.robot]
client_secrets = ["file:chat-secret"]
grant_types = ["client_credentials"]
targets = ["issues", "notes"]
scopes = ["issues:read"]

[clients.keyed]
jwks = "file:keyed.jwks.json"
grant_types = ["client_credentials"]
targets = ["wiki"]
scopes = ["wiki:read"]

[clients.chat]
client_secrets = ["file:wiki-secret"]
grant_types = ["urn:ietf:params:oauth:grant-type:token-exchange"]
targets = ["wiki"]
scopes = ["wiki:read"]
source_clients = ["*"]

[exchanges.issues-wiki]
requester = "issues"
source = "issues"
target = "wiki"
scopes = { "issues:read" = ["wiki:read"] }
"""
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture
def key():
    return new_key("robot-key")


@pytest.fixture
def folder(tmp_path, key):
    for name, secret in SECRETS.items():
        (tmp_path / f"{name}-secret").write_text(secret)
    public = {"keys": [key.as_dict(private=False)]}
    (tmp_path / "keyed.jwks.json").write_text(json.dumps(public))
    return tmp_path


@pytest.fixture
def deployment(sqlite_url, idp, folder):
    with Deployment.start(folder, sqlite_url, idp, more=MORE) as started:
        yield started


def ask(deployment, client_id="robot", secret="chat", **changes):
    params = {"grant_type": "client_credentials", "resource": RESOURCE, **changes}
    kept = {name: value for name, value in params.items() if value is not None}
    return form(deployment, "/token", kept, headers=basic(client_id, SECRETS[secret]))


@pytest.mark.spec("OAuth 2.1", "4.2")
@pytest.mark.spec("RFC 9068", "2.2")
def test_a_machine_gets_a_token_for_itself_and_nothing_to_renew_it(deployment):
    answer = ask(deployment)

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    document = answer.json
    claims = claims_of(document.pop("access_token"))
    assert document == {"token_type": "Bearer", "expires_in": 900, "scope": "issues:read"}
    assert (claims["sub"], claims["client_id"], claims["aud"]) == ("robot", "robot", RESOURCE)
    assert not {"auth_time", "grant_id", "act", "name", "email"} & claims.keys()
    event = deployment.last("token.issued")
    assert (event["grant_type"], event["sub"]) == ("client_credentials", "robot")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"resource": WIKI}, "invalid_target"),  # none of its targets
        ({"resource": None}, "invalid_target"),  # it has two
        ({"resource": "https://nowhere.example/mcp"}, "invalid_target"),
        ({"resource": [RESOURCE, WIKI]}, "invalid_target"),
        ({"scope": "issues:write"}, "invalid_scope"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": "offline_access"}, "invalid_scope"),
    ],
    ids=str,
)
def test_its_lists_are_the_limit(deployment, changes, error):
    answer = ask(deployment, **changes)
    assert (answer.status_code, answer.json["error"]) == (400, error)


def test_of_all_scopes_that_are_asked_for_it_gets_those_it_may_have(deployment):
    answer = ask(deployment, scope="issues:write issues:read openid")
    assert (answer.status_code, answer.json["scope"]) == (200, "issues:read")


def test_a_resource_without_scopes_has_none_to_give(deployment):
    answer = ask(deployment, resource="https://notes.example/mcp")
    assert (answer.status_code, answer.json["scope"]) == (200, "")


def test_nobody_else_acts_for_itself(deployment):
    registered = McpClient(deployment).register()
    params = {"grant_type": "client_credentials", "resource": RESOURCE}
    for answer in (
        form(deployment, "/token", {**params, "client_id": registered.client_id}),
        ask(deployment, "chat", "wiki"),
        ask(deployment, "issues", "issues"),
    ):
        assert (answer.status_code, answer.json["error"]) == (400, "unauthorized_client")
    assert ask(deployment, "robot", "wiki").json["error"] == "invalid_client"
    refused = exchange(deployment, "robot", "x", SECRETS["chat"])
    assert refused.json["error"] == "unauthorized_client"


def test_a_secret_registered_with_ones_own_hand_is_not_enough(deployment):
    metadata = {"token_endpoint_auth_method": "client_secret_basic"}
    client = McpClient(deployment, metadata=metadata).register()
    params = {"grant_type": "client_credentials", "resource": RESOURCE}
    headers = basic(client.client_id, client.client_secret)
    answer = form(deployment, "/token", params, headers=headers)
    assert (answer.status_code, answer.json["error"]) == (400, "unauthorized_client")


def by_assertion(deployment, key):
    now = deployment.clock.now
    claims = {
        "iss": "keyed", "sub": "keyed", "aud": deployment.issuer,
        "exp": now + 60, "iat": now, "jti": "one",
    }  # fmt: skip
    return {
        "grant_type": "client_credentials", "client_assertion_type": ASSERTION,
        "client_assertion": sign(
            {"alg": "ES256", "kid": key.kid}, json.dumps(claims).encode(), key
        ),
    }  # fmt: skip


@pytest.mark.spec("RFC 7523", "2.2")
def test_a_key_proves_a_machine_once_with_no_client_id_beside_it(deployment, key):
    params = by_assertion(deployment, key)
    answer = form(deployment, "/token", params)
    assert (answer.status_code, answer.json["scope"]) == (200, "wiki:read")
    again = form(deployment, "/token", params)
    assert (again.status_code, again.json["error"]) == (401, "invalid_client")


@pytest.mark.spec("RFC 7591", "2")
@pytest.mark.parametrize(("alg", "status"), [("ES256", 200), ("ES384", 401)])
def test_a_machine_signs_with_the_algorithm_that_the_operator_names(
    sqlite_url, idp, folder, key, alg, status
):
    keys = 'jwks = "file:keyed.jwks.json"\n'
    more = MORE.replace(keys, f'{keys}token_endpoint_auth_signing_alg = "{alg}"\n')
    with Deployment.start(folder, sqlite_url, idp, more=more) as deployment:
        assert form(deployment, "/token", by_assertion(deployment, key)).status_code == status


def test_revoking_the_client_ends_what_it_has_and_what_came_of_it(deployment):
    token = ask(deployment).json["access_token"]
    at_wiki = exchanged(deployment, "issues", token)
    assert claims_of(at_wiki)["sub"] == "robot"

    def active(given, client_id):
        answer = form(deployment, "/introspect", {"token": given}, headers=basic(client_id))
        return answer.json["active"]

    assert active(token, "issues")
    with deployment.server.store.write() as tx:
        tx.bump_epoch(epoch.client("robot"))
    assert not active(token, "issues")
    assert exchange(deployment, "issues", token).json["error"] == "invalid_request"
    assert active(ask(deployment).json["access_token"], "issues")


def test_it_costs_one_read_and_no_write(deployment):
    ask(deployment)
    with deployment.server.store.counting() as count:
        assert ask(deployment).status_code == 200
    assert (len(count.statements), count.commits) == (1, 0)


def test_the_metadata_lists_the_grant_where_somebody_may_use_it(
    deployment, sqlite_url, idp, folder
):
    well_known = "/.well-known/oauth-authorization-server"
    listed = deployment.http().get(well_known).json["grant_types_supported"]
    assert "client_credentials" in listed
    (folder / "without").mkdir()
    with Deployment.start(folder / "without", sqlite_url, idp) as plain:
        listed = plain.http().get(well_known).json["grant_types_supported"]
        assert "client_credentials" not in listed
        client = McpClient(plain).register()
        params = {"grant_type": "client_credentials", "client_id": client.client_id}
        answer = form(plain, "/token", params)
        assert answer.json["error"] == "unsupported_grant_type"


def test_the_kit_takes_it_at_its_resource_alone(sqlite_url, idp, folder):
    with deployed(folder, sqlite_url, idp, more=MORE) as live:
        token = ask(live).json["access_token"]
        verified = Verifier(live.issuer, RESOURCE, clock=live.clock).verify(token)
        assert (verified.subject, verified.scopes) == ("robot", ("issues:read",))
        with pytest.raises(InvalidToken):
            Verifier(live.issuer, WIKI, clock=live.clock).verify(token)

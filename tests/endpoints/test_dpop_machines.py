"""Bound tokens without a browser: machines, workloads, and token exchange: RFC 9449 §5, RFC 8693"""

import json
from typing import Any

import pytest

from authserver.settings import SettingsError, load
from tests import exchanging, serving_crm
from tests.actors import ISSUER, RESOURCE, McpClient, claims_of, write_config
from tests.exchanging import basic, exchange, form
from tests.proving import Holder, stranger
from tests.serving_crm import Crm

ROBOT = """
[clients.robot]
client_secrets = ["file:old-secret"]
grant_types = ["client_credentials"]
targets = ["issues"]
scopes = ["issues:read"]

[clients.careful]
client_secrets = ["file:chat-secret"]
grant_types = ["client_credentials"]
targets = ["issues"]
scopes = ["issues:read"]
dpop_bound_access_tokens = true
"""
CAREFUL_RESOURCE = """
[resources.safe]
url = "https://safe.example/mcp"
dpop_bound_access_tokens_required = true
"""
BATCH_URL = f"{ISSUER}/token-batch"
CLIENTS, SERVERS = Holder(), stranger()


@pytest.fixture
def deployment(sqlite_url, idp, tmp_path):
    batch = f"{ROBOT}\n[tokens]\ntoken_batch = true\n"
    with exchanging.start(tmp_path, sqlite_url, idp, batch) as started:
        yield started


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


@pytest.fixture
def token(client):
    code = client.code_params(client.code(scope="issues:read"))
    return client.token(code, headers=CLIENTS.header()).json["access_token"]


def ask(deployment, requester, token, headers=None, path="/token", **changes) -> Any:
    params = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": token,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "audience": "wiki",
        **changes,
    }
    return form(deployment, path, params, headers={**basic(requester), **(headers or {})})


def robot(deployment, name, secret, headers=None) -> Any:
    params = {"grant_type": "client_credentials", "resource": RESOURCE}
    said = {**basic(name, secret), **(headers or {})}
    return form(deployment, "/token", params, headers=said)


@pytest.mark.spec("RFC 9449", "5")
def test_a_machine_gets_a_bound_token_for_a_proof_once(deployment):
    proof = CLIENTS.header()
    answer = robot(deployment, "robot", "o" * 32, proof).json
    assert answer["token_type"] == "DPoP"
    assert claims_of(answer["access_token"])["cnf"] == {"jkt": CLIENTS.jkt}
    again = robot(deployment, "robot", "o" * 32, proof)
    assert (again.status_code, again.json["error"]) == (400, "invalid_dpop_proof")
    assert robot(deployment, "robot", "o" * 32).json["token_type"] == "Bearer"


@pytest.mark.spec("RFC 9449", "5.2")
def test_a_machine_of_the_file_may_be_held_to_proofs(deployment):
    secret = exchanging.SECRETS["chat"]
    assert robot(deployment, "careful", secret).json["error"] == "invalid_dpop_proof"
    assert robot(deployment, "careful", secret, CLIENTS.header()).json["token_type"] == "DPoP"


def test_a_bound_token_is_exchanged_with_a_proof_of_the_servers_own_key(deployment, token):
    refused = ask(deployment, "issues", token)
    assert (refused.status_code, refused.json["error"]) == (400, "invalid_dpop_proof")
    answer = ask(deployment, "issues", token, SERVERS.header())
    assert (answer.status_code, answer.json["token_type"]) == (200, "DPoP")
    claims = claims_of(answer.json["access_token"])
    assert claims["cnf"] == {"jkt": SERVERS.jkt}
    onward = ask(
        deployment, "wiki", answer.json["access_token"], stranger().header(), audience="notes"
    )
    assert onward.json["token_type"] == "DPoP"


def test_what_is_not_bound_may_become_so_on_the_way(deployment, client):
    plain = client.connect()["access_token"]
    answer = ask(deployment, "issues", plain, SERVERS.header()).json
    assert claims_of(answer["access_token"])["cnf"] == {"jkt": SERVERS.jkt}
    assert exchange(deployment, "issues", plain).json["token_type"] == "Bearer"


def test_a_proof_of_an_exchange_is_good_once(deployment, token):
    proof = SERVERS.header()
    assert ask(deployment, "issues", token, proof).status_code == 200
    assert ask(deployment, "issues", token, proof).json["error"] == "invalid_dpop_proof"


def test_one_proof_does_for_a_batch_and_binds_all_of_it(deployment, token):
    proof = SERVERS.header(htu=BATCH_URL)
    answer = ask(deployment, "issues", token, proof, path="/token-batch", audience=["wiki", "x"])
    good, bad = answer.json["results"]
    assert claims_of(good["access_token"])["cnf"] == {"jkt": SERVERS.jkt}
    assert good["token_type"] == "DPoP"
    assert bad["error"] == "invalid_target"
    again = ask(deployment, "issues", token, proof, path="/token-batch")
    assert again.json["error"] == "invalid_dpop_proof"
    without = ask(deployment, "issues", token, path="/token-batch")
    assert without.json["results"][0]["error"] == "invalid_dpop_proof"


def test_introspection_says_that_a_token_is_bound_and_to_what(deployment, token):
    found = form(deployment, "/introspect", {"token": token}, headers=basic("issues")).json
    assert (found["token_type"], found["cnf"]) == ("DPoP", {"jkt": CLIENTS.jkt})


def test_a_file_that_wants_bound_tokens_with_dpop_off_is_refused(tmp_path, sqlite_url, idp):
    (tmp_path / "old-secret").write_text("o" * 32)
    (tmp_path / "chat-secret").write_text("c" * 32)
    for more, key in (
        (f"{ROBOT}\n[tokens]\ndpop = false\n", "tokens.dpop"),
        ("[tokens]\ndpop = false\ndpop_nonce = true\n", "tokens.dpop_nonce"),
        (f"{CAREFUL_RESOURCE}\n[tokens]\ndpop = false\n", "dpop_bound_access_tokens_required"),
    ):
        with pytest.raises(SettingsError) as refused:
            load(write_config(tmp_path, sqlite_url, idp.issuer, more=more))
        assert key in str(refused.value), json.dumps(str(refused.value))


UNBOUND = """
[exchanges.issues-upstream]
requester = "issues"
source = "issues"
target = "upstream"
scopes = []
allow_unbound = true
"""


@pytest.mark.parametrize(
    ("top", "target", "expected"),
    [
        ("", "crm", "invalid_target"),
        ("", "upstream", "invalid_target"),
        (UNBOUND, "upstream", None),
    ],
    ids=["crm", "upstream", "upstream, allowed"],
)
def test_a_bound_token_becomes_an_unbound_one_only_where_the_operator_says_so(
    tmp_path, sqlite_url, idp, top, target, expected
):
    with Crm() as crm, serving_crm.start(tmp_path, sqlite_url, idp, crm, top=top) as deployment:
        client = McpClient(deployment).register()
        code = client.code_params(client.code())
        token = client.token(code, headers=CLIENTS.header()).json["access_token"]
        without = ask(deployment, "issues", token, audience=target)
        assert without.json["error"] == "invalid_dpop_proof"
        answer = ask(deployment, "issues", token, SERVERS.header(), audience=target)
        assert answer.json.get("error") == expected
        plain = client.connect()["access_token"]
        assert ask(deployment, "issues", plain, audience=target).status_code == 200

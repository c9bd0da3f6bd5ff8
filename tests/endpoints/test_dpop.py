"""Tokens bound to a key that the client proves to hold: RFC 9449"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.actors import ISSUER, Browser, Deployment, McpClient, claims_of, response_of
from tests.exchanging import form
from tests.proving import TOKEN_URL, Holder, stranger

PAR_URL = f"{ISSUER}/par"
USERINFO_URL = f"{ISSUER}/userinfo"
HOLDER = Holder()


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


def redeem(client, code, headers=None, **changes) -> Any:
    return client.token(client.code_params(code, **changes), headers=headers or {})


def refresh(client, token, headers=None) -> Any:
    params = {
        "grant_type": "refresh_token", "refresh_token": token, "client_id": client.client_id,
    }  # fmt: skip
    return client.token(params, headers=headers or {})


def bound(client, holder=HOLDER, **changes):
    answer = redeem(client, client.code(**changes), holder.header())
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.json


def started(tmp_path, sqlite_url, idp, more):
    return Deployment.start(tmp_path, sqlite_url, idp, more=more)


@pytest.mark.spec("RFC 9449", "5")
@pytest.mark.parametrize("alg", ["ES256", "RS256", "PS256", "EdDSA"])
def test_a_code_and_a_proof_bring_a_token_that_is_bound(client, alg):
    holder = Holder(alg)
    tokens = bound(client, holder)
    assert tokens["token_type"] == "DPoP"
    assert claims_of(tokens["access_token"])["cnf"] == {"jkt": holder.jkt}
    again = refresh(client, tokens["refresh_token"], holder.header()).json
    assert again["token_type"] == "DPoP"
    assert claims_of(again["access_token"])["cnf"] == {"jkt": holder.jkt}


def test_without_a_proof_it_is_a_bearer_token_as_ever(client):
    tokens = client.connect()
    assert tokens["token_type"] == "Bearer"
    assert "cnf" not in claims_of(tokens["access_token"])


@pytest.mark.spec("RFC 9449", "5")
def test_a_bound_grant_is_refreshed_with_its_own_key_alone_and_a_refusal_spends_nothing(client):
    token = bound(client)["refresh_token"]
    without, others = refresh(client, token), refresh(client, token, stranger().header())
    assert (without.status_code, without.json["error"]) == (400, "invalid_dpop_proof")
    assert (others.status_code, others.json["error"]) == (400, "invalid_grant")
    assert refresh(client, token, HOLDER.header()).status_code == 200


def test_a_reused_refresh_token_without_its_key_ends_nothing(client):
    first = bound(client)["refresh_token"]
    second = refresh(client, first, HOLDER.header()).json["refresh_token"]
    third = refresh(client, second, HOLDER.header()).json["refresh_token"]
    assert refresh(client, first).json["error"] == "invalid_dpop_proof"
    assert refresh(client, first, stranger().header()).json["error"] == "invalid_grant"
    fourth = refresh(client, third, HOLDER.header())
    assert fourth.status_code == 200
    assert refresh(client, first, HOLDER.header()).json["error"] == "invalid_grant"
    last = refresh(client, fourth.json["refresh_token"], HOLDER.header())
    assert last.json["error"] == "invalid_grant"  # with the key, a reuse is one


def test_a_lost_answer_is_given_again_for_a_new_proof(client):
    token = bound(client)["refresh_token"]
    first = refresh(client, token, HOLDER.header()).json
    again = refresh(client, token, HOLDER.header()).json
    assert again["refresh_token"] == first["refresh_token"]


def test_a_grant_that_was_not_bound_stays_so_though_a_token_may_be(client):
    token = client.connect()["refresh_token"]
    once = refresh(client, token, HOLDER.header()).json
    assert claims_of(once["access_token"])["cnf"] == {"jkt": HOLDER.jkt}
    assert refresh(client, once["refresh_token"]).json["token_type"] == "Bearer"


TIGHTENED = """
[clients.editor]
token_endpoint_auth_method = "none"
redirect_uris = ["http://127.0.0.1:3999/callback"]
grant_types = ["authorization_code", "refresh_token"]
targets = ["safe"]
scopes = ["safe:read"]
{client}

[resources.safe]
url = "https://safe.example/mcp"
scopes = {{ "safe:read" = "Read it" }}
{resource}
"""


@pytest.mark.spec("RFC 9449", "5")
@pytest.mark.parametrize(
    "now",
    [
        {"client": "dpop_bound_access_tokens = true"},
        {"resource": "dpop_bound_access_tokens_required = true"},
    ],
    ids=["client", "resource"],
)
def test_a_grant_without_a_key_ends_where_one_is_required_since(tmp_path, sqlite_url, idp, now):
    nothing = {"client": "", "resource": ""}
    target: dict[str, Any] = {"resource": "https://safe.example/mcp"}
    with started(tmp_path, sqlite_url, idp, TIGHTENED.format(**nothing)) as before:
        editor = McpClient(before, client_id="editor")
        token = redeem(editor, editor.code(**target), **target).json["refresh_token"]
        assert refresh(editor, token, HOLDER.header()).status_code == 200
        token = redeem(editor, editor.code(**target), **target).json["refresh_token"]
    with started(tmp_path, sqlite_url, idp, TIGHTENED.format(**{**nothing, **now})) as after:
        editor.deployment = after
        assert refresh(editor, token).status_code == 400
        for holder in (HOLDER, stranger()):
            answer = refresh(editor, token, holder.header())
            assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant")
            assert after.last("request.refused")["reason"] == "grant_not_bound"
        answer = redeem(editor, editor.code(**target), HOLDER.header(), **target)
        assert refresh(editor, answer.json["refresh_token"], HOLDER.header()).status_code == 200


@pytest.mark.spec("RFC 9449", "11.1")
def test_a_proof_is_good_once_and_one_that_is_used_spends_no_code(client):
    used = HOLDER.header()
    assert redeem(client, client.code(), used).status_code == 200
    code = client.code()
    refused = redeem(client, code, used)
    assert (refused.status_code, refused.json["error"]) == (400, "invalid_dpop_proof")
    assert redeem(client, code, HOLDER.header()).status_code == 200


def test_of_twenty_requests_with_one_proof_one_is_answered(client):
    tokens = [client.connect()["refresh_token"] for _ in range(10)]
    proof = HOLDER.header()
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda token: refresh(client, token, proof), tokens))
    assert sorted(each.status_code for each in answers) == [200] + [400] * 9


@pytest.mark.spec("RFC 9449", "10")
def test_a_code_may_be_bound_before_it_is_issued(client):
    code = client.code(dpop_jkt=HOLDER.jkt)
    assert redeem(client, code).json["error"] == "invalid_dpop_proof"
    assert redeem(client, code, stranger().header()).json["error"] == "invalid_grant"
    assert redeem(client, code, HOLDER.header()).json["token_type"] == "DPoP"
    answer = response_of(Browser(client.deployment).get(client.authorize_url(dpop_jkt="short")))
    assert answer["error"] == "invalid_request"


@pytest.mark.spec("RFC 9449", "10.1")
def test_a_pushed_request_is_bound_by_its_proof(client, deployment):
    def push(headers, **changes):
        return form(deployment, "/par", client.authorize_params(**changes), headers=headers)

    proof = HOLDER.header(htu=PAR_URL)
    pushed = push(proof)
    assert pushed.status_code == 201, pushed.json
    assert push(proof).json["error"] == "invalid_dpop_proof"
    wrong = push(HOLDER.header(htu=PAR_URL), dpop_jkt=stranger().jkt)
    assert wrong.json["error"] == "invalid_request"
    opened = urlencode({**pushed.json, "client_id": client.client_id})
    code = response_of(Browser(deployment).approve(f"{ISSUER}/authorize?{opened}"))["code"]
    assert redeem(client, code, stranger().header()).json["error"] == "invalid_grant"
    assert redeem(client, code, HOLDER.header()).status_code == 200


@pytest.mark.spec("RFC 9449", "5.2")
def test_a_client_that_wants_bound_tokens_gets_no_others(deployment):
    client = McpClient(deployment, metadata={"dpop_bound_access_tokens": True})
    answer = deployment.http().post(
        "/register",
        json={"redirect_uris": [client.redirect_uri], "dpop_bound_access_tokens": True},
    )
    assert answer.json["dpop_bound_access_tokens"] is True
    client.register()
    code = client.code()
    assert redeem(client, code).json["error"] == "invalid_dpop_proof"
    assert redeem(client, code, HOLDER.header()).json["token_type"] == "DPoP"


@pytest.mark.spec("RFC 9728", "2")
def test_a_resource_that_takes_bound_tokens_only_says_so_and_gets_no_others(
    tmp_path, sqlite_url, idp
):
    more = """
[resources.safe]
url = "https://safe.example/mcp"
dpop_bound_access_tokens_required = true
scopes = { "safe:read" = "Read it" }
"""
    with started(tmp_path, sqlite_url, idp, more) as deployment:
        client = McpClient(deployment).register()
        target: dict[str, Any] = {"resource": "https://safe.example/mcp"}
        code = client.code(**target)
        assert redeem(client, code, **target).json["error"] == "invalid_dpop_proof"
        tokens = redeem(client, code, HOLDER.header(), **target).json
        assert tokens["token_type"] == "DPoP"
        found = deployment.http().get("/.well-known/oauth-protected-resource/safe").json
        assert found["dpop_bound_access_tokens_required"] is True
        assert "ES256" in found["dpop_signing_alg_values_supported"]
        other = deployment.http().get("/.well-known/oauth-protected-resource/wiki").json
        assert not [name for name in other if name.startswith("dpop")]


@pytest.mark.spec("RFC 9449", "8")
def test_where_nonces_are_wanted_each_answer_brings_the_next(tmp_path, sqlite_url, idp):
    with started(tmp_path, sqlite_url, idp, "[tokens]\ndpop_nonce = true\n") as deployment:
        client = McpClient(deployment).register()
        code = client.code()
        refused = redeem(client, code, HOLDER.header())
        assert (refused.status_code, refused.json["error"]) == (400, "use_dpop_nonce")
        nonce = refused.headers["DPoP-Nonce"]
        answer = redeem(client, code, HOLDER.header(nonce=nonce))
        assert answer.status_code == 200
        assert "DPoP-Nonce" not in answer.headers
        deployment.wait(150)
        later = Holder(now=deployment.clock.now)
        token = answer.json["refresh_token"]
        renewed = refresh(client, token, later.header(nonce=nonce))
        assert renewed.status_code == 200
        assert renewed.headers["DPoP-Nonce"] != nonce
        deployment.wait(150)
        later = Holder(now=deployment.clock.now)
        late = refresh(client, renewed.json["refresh_token"], later.header(nonce=nonce))
        assert late.json["error"] == "use_dpop_nonce"
        assert redeem(client, client.code()).json["token_type"] == "Bearer"


def test_where_it_is_off_nothing_says_so_and_proofs_are_not_looked_at(tmp_path, sqlite_url, idp):
    with started(tmp_path, sqlite_url, idp, "[tokens]\ndpop = false\n") as deployment:
        found = deployment.http().get("/.well-known/oauth-authorization-server").json
        assert not [name for name in found if "dpop" in name]
        client = McpClient(deployment).register()
        assert redeem(client, client.code(), {"DPoP": "x"}).json["token_type"] == "Bearer"
        wants = {"redirect_uris": [client.redirect_uri], "dpop_bound_access_tokens": True}
        answer = deployment.http().post("/register", json=wants)
        assert answer.json["error"] == "invalid_client_metadata"


@pytest.mark.spec("RFC 9449", "5.1")
def test_the_metadata_lists_the_algorithms_none_of_them_symmetric(deployment):
    found = deployment.http().get("/.well-known/oauth-authorization-server").json
    algs = found["dpop_signing_alg_values_supported"]
    assert {"ES256", "RS256"} <= set(algs)
    assert not [alg for alg in algs if alg == "none" or alg.startswith("HS")]


def ask_userinfo(deployment, scheme, token, headers=None) -> Any:
    said = {"Authorization": f"{scheme} {token}", **(headers or {})}
    return deployment.http().get("/userinfo", headers=said)


@pytest.mark.spec("RFC 9449", "7.1")
def test_userinfo_takes_a_bound_token_with_its_proof_alone(client, deployment):
    token = bound(client, scope="openid")["access_token"]

    def proof(holder=HOLDER, said=token):
        return holder.header("GET", USERINFO_URL, token=said)

    good = proof()
    assert ask_userinfo(deployment, "DPoP", token, good).json["sub"]
    for scheme, headers, error in (
        ("DPoP", good, "invalid_dpop_proof"),
        ("DPoP", None, "invalid_dpop_proof"),
        ("DPoP", proof(said="other"), "invalid_dpop_proof"),
        ("DPoP", proof(stranger()), "invalid_token"),
        ("Bearer", None, "invalid_token"),
        ("Bearer", proof(), "invalid_token"),
    ):
        answer = ask_userinfo(deployment, scheme, token, headers)
        assert (answer.status_code, answer.json["error"]) == (401, error), (scheme, headers)
        challenge = answer.headers["WWW-Authenticate"]
        assert challenge.startswith(f'{scheme} error="{error}"')
        assert ("algs=" in challenge) is (scheme == "DPoP")
    unbound = client.connect(scope="openid")["access_token"]
    answer = ask_userinfo(deployment, "DPoP", unbound, proof(said=unbound))
    assert answer.json["error"] == "invalid_token"


def test_a_proof_costs_one_statement_more(client):
    token = bound(client)["refresh_token"]
    store = client.deployment.server.store
    with store.counting() as count:
        assert refresh(client, token, HOLDER.header()).status_code == 200
    assert len(count.statements) <= 4, count.statements
    assert count.commits == 1


def test_behind_a_path_the_url_is_the_one_that_was_asked_for(tmp_path, sqlite_url, idp):
    issuer = "https://auth.example/tenant"
    with Deployment.start(tmp_path, sqlite_url, idp, issuer=issuer) as deployment:
        client = McpClient(deployment).register()
        code = client.code()
        assert redeem(client, code, HOLDER.header()).json["error"] == "invalid_dpop_proof"
        proof = HOLDER.header(htu=f"{issuer}/token")
        assert redeem(client, code, proof).status_code == 200
        alias = client.code_params(client.code())
        answer = form_at_root(deployment, alias, HOLDER.header(htu=TOKEN_URL))
        assert answer.status_code == 200


def form_at_root(deployment, params, headers) -> Any:
    return deployment.http().post("/token", data=params, headers=headers)

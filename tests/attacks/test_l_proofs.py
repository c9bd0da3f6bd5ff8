"""Cases 85, 186, 187: tokens bound to a key, and proofs of it that are none"""

import json
from typing import Any

import pytest
from joserfc.jwk import OctKey

from tests.actors import ISSUER, Deployment, McpClient, claims_of
from tests.proving import ABSENT, KEYS, Holder, stranger
from tests.upstream.hostile_idp import NOW
from tests.upstream.jose import confused, segment, sign

HOLDER = Holder()


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


def redeem(client, code, *proofs: str) -> Any:
    headers = [("DPoP", proof) for proof in proofs]
    return client.token(client.code_params(code), headers=headers)


def refresh(client, token, *proofs: str) -> Any:
    params = {
        "grant_type": "refresh_token", "refresh_token": token, "client_id": client.client_id,
    }  # fmt: skip
    return client.token(params, headers=[("DPoP", proof) for proof in proofs])


def test_85_a_bound_refresh_token_is_worth_nothing_without_its_key(client):
    token = redeem(client, client.code(), HOLDER.proof()).json["refresh_token"]
    for proofs in ((), (stranger().proof(),)):
        answer = refresh(client, token, *proofs)
        assert answer.status_code == 400
        assert answer.json["error"] in ("invalid_dpop_proof", "invalid_grant")
        assert "access_token" not in answer.json
    assert refresh(client, token, HOLDER.proof()).status_code == 200


WRONG: dict[str, dict[str, Any]] = {
    "no jti": {"jti": ABSENT},
    "no htm": {"htm": ABSENT},
    "no htu": {"htu": ABSENT},
    "no iat": {"iat": ABSENT},
    "another method": {"htm": "GET"},
    "another address": {"htu": f"{ISSUER}/introspect"},
    "another host": {"htu": "https://evil.example/token"},
    "an hour old": {"iat": NOW - 3600},
    "of the next hour": {"iat": NOW + 3600},
    "no type": {"header": {"typ": ABSENT}},
    "the type of an access token": {"header": {"typ": "at+jwt"}},
    "no algorithm": {"header": {"alg": "none"}},
    "a private key": {"header": {"jwk": KEYS["ES256"].as_dict(private=True)}},
    "another's key": {"header": {"jwk": KEYS["RS256"].as_dict(private=False)}},
    "what must be understood": {"header": {"crit": ["x"], "x": 1}},
    "nothing that must be understood": {"header": {"crit": []}},
    "a payload that is not encoded": {"header": {"crit": ["b64"], "b64": False}},
}


@pytest.mark.spec("RFC 9449", "4.3")
@pytest.mark.parametrize("name", WRONG)
def test_186_a_proof_that_is_wrong_is_refused_and_leaves_the_code(client, name):
    code = client.code()
    answer = redeem(client, code, HOLDER.proof(**WRONG[name]))
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_dpop_proof")
    assert redeem(client, code, HOLDER.proof()).status_code == 200


def test_186_two_proofs_are_none(client):
    code = client.code()
    answer = redeem(client, code, HOLDER.proof(), HOLDER.proof())
    assert answer.json["error"] == "invalid_dpop_proof"
    assert redeem(client, code, "").json["error"] == "invalid_dpop_proof"


def test_186_one_that_was_used_is_used_for_every_client(client, deployment):
    proof = HOLDER.proof()
    assert redeem(client, client.code(), proof).status_code == 200
    other = McpClient(deployment).register()
    assert redeem(other, other.code(), proof).json["error"] == "invalid_dpop_proof"


def test_186_one_with_a_changed_signature_is_refused(client):
    head, payload, _ = HOLDER.proof().split(".")
    answer = redeem(client, client.code(), f"{head}.{payload}.{'A' * 86}")
    assert answer.json["error"] == "invalid_dpop_proof"


@pytest.mark.spec("RFC 9449", "4.3")
def test_186_a_mac_over_the_public_key_is_no_signature(client):
    code, claims = client.code(), json.dumps(claims_of(HOLDER.proof())).encode()
    head = {"typ": "dpop+jwt", "jwk": HOLDER.jwk}
    shared = {"kty": "oct", "k": segment(b"k" * 32)}
    brought = sign({**head, "alg": "HS256", "jwk": shared}, claims, OctKey.import_key(b"k" * 32))
    for proof in (*confused(head, claims, HOLDER.key), brought):
        answer = redeem(client, code, proof)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_dpop_proof"), proof
    assert redeem(client, code, HOLDER.proof()).status_code == 200


@pytest.mark.spec("RFC 9449", "10")
def test_186_a_code_that_was_asked_for_with_a_key_is_for_that_key(client):
    code = client.code(dpop_jkt=HOLDER.jkt)
    for proofs in ((), (stranger().proof(),)):
        answer = redeem(client, code, *proofs)
        assert answer.status_code == 400
        assert answer.json["error"] in ("invalid_dpop_proof", "invalid_grant")
    bound = redeem(client, code, HOLDER.proof())
    assert claims_of(bound.json["access_token"])["cnf"] == {"jkt": HOLDER.jkt}


@pytest.mark.parametrize(
    "claims",
    [
        {"iat": NOW - 10},
        {"iat": NOW + 10},
        {"htu": "HTTPS://AUTH.example:443/token?x=1#y"},
        {"nonce": "one that nobody gave out"},
    ],
    ids=str,
)
def test_186_small_differences_of_clock_and_spelling_are_borne(client, claims):
    assert redeem(client, client.code(), HOLDER.proof(**claims)).status_code == 200


@pytest.mark.spec("RFC 9449", "8")
def test_187_a_nonce_that_is_missing_or_old_is_answered_with_a_new_one(tmp_path, sqlite_url, idp):
    more = "[tokens]\ndpop_nonce = true\n"
    with Deployment.start(tmp_path, sqlite_url, idp, more=more) as deployment:
        client = McpClient(deployment).register()
        code = client.code()
        old = redeem(client, code, HOLDER.proof()).headers["DPoP-Nonce"]
        for claims in ({}, {"nonce": "made up"}, {"nonce": 7}, {"nonce": ""}):
            answer = redeem(client, code, HOLDER.proof(**claims))
            assert (answer.status_code, answer.json["error"]) == (400, "use_dpop_nonce")
            assert answer.headers["DPoP-Nonce"] == old
            assert answer.headers["Cache-Control"] == "no-store"
        deployment.wait(30)
        assert redeem(client, code, HOLDER.proof(nonce=old)).status_code == 200
        deployment.wait(600)
        late = Holder(now=deployment.clock.now).proof(nonce=old)
        answer = redeem(client, client.code(), late)
        assert answer.json["error"] == "use_dpop_nonce"
        assert answer.headers["DPoP-Nonce"] != old

"""Cases 184 and 185: identity assertions (ID-JAG) that are none, or somebody else's"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.actors import ISSUER, claims_of
from tests.asserting import TYPE, assertion, bring, start
from tests.attacks.any_bytes import tokens
from tests.attacks.test_d_any_bytes import UNLIMITED
from tests.examples import examples
from tests.exchanging import form
from tests.foreign import ABSENT, id_token, minted
from tests.upstream.hostile_idp import HostileIdp
from tests.upstream.jose import confused, new_key, segment, sign


@pytest.fixture
def company():
    with HostileIdp() as found:
        yield found


@pytest.fixture
def deployment(sqlite_url, idp, company, tmp_path):
    with start(tmp_path, sqlite_url, idp, company, UNLIMITED) as started:
        yield started


def refused(deployment, answer, reason=""):
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant"), answer.json
    assert set(answer.json) == {"error", "error_description"}
    assert answer.json["error_description"] == "The assertion is not valid."
    assert reason in deployment.last("request.refused")["reason"]


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "", "dpop+jwt", "logout+jwt", ABSENT, 7])
def test_184_a_token_of_another_kind_is_none(deployment, company, typ):
    refused(deployment, bring(deployment, assertion(company, {"typ": typ})))


def test_184_an_id_token_and_an_access_token_are_none(deployment, company, idp):
    refused(deployment, bring(deployment, id_token(idp, aud=ISSUER, client_id="agent")))
    refused(deployment, bring(deployment, minted(company, aud=ISSUER, client_id="agent")))


@pytest.mark.parametrize(
    "aud",
    [[ISSUER, "https://other.example"], [ISSUER, ISSUER], [], ABSENT, "https://other.example",
     f"{ISSUER}/", f"{ISSUER}/token", ISSUER.upper()],
)  # fmt: skip
def test_184_one_for_another_or_for_two_is_none(deployment, company, aud):
    refused(deployment, bring(deployment, assertion(company, aud=aud)), "id_jag_aud")


@pytest.mark.parametrize("client_id", ["robot", ABSENT, ["agent"], "", "Agent"])
def test_184_one_for_another_client_is_none(deployment, company, client_id):
    token = assertion(company, client_id=client_id)
    refused(deployment, bring(deployment, token), "id_jag_client_id")


def test_184_it_is_good_once_until_it_ends(deployment, company):
    token = assertion(company)
    answer = bring(deployment, token)
    assert answer.status_code == 200
    assert "refresh_token" not in answer.json
    refused(deployment, bring(deployment, token), "id_jag_replayed")
    deployment.wait(329)
    refused(deployment, bring(deployment, token), "id_jag_replayed")
    deployment.wait(1)
    refused(deployment, bring(deployment, token), "id_jag_expired_or_too_long")
    company.now = deployment.idp.now
    # The same id in another assertion of that issuer is the same one; another issuer's is not.
    first, second = (
        assertion(company, jti="twice", scope=each) for each in ("issues:read", ABSENT)
    )
    assert bring(deployment, first).status_code == 200
    refused(deployment, bring(deployment, second), "id_jag_replayed")
    assert bring(deployment, assertion(deployment.idp, jti="twice")).status_code == 200


def test_184_one_of_an_issuer_that_may_not_is_none_and_nobody_is_asked(
    sqlite_url, idp, company, tmp_path
):
    with HostileIdp() as stranger:
        quiet = f"""
        [trusted_issuers.quiet]
        issuer = "{stranger.issuer}"
        audiences = ["{ISSUER}"]
        """
        with start(tmp_path, sqlite_url, idp, company, quiet, upstream=False) as deployment:
            for issuer in (stranger, idp):
                refused(deployment, bring(deployment, assertion(issuer)), "of_no_trusted_issuer")
                assert issuer.seen == []
            nowhere = assertion(company, iss="https://nowhere.example")
            refused(deployment, bring(deployment, nowhere), "of_no_trusted_issuer")


def test_184_one_that_is_bound_to_a_key_is_none_without_proof(deployment, company):
    for cnf in ({"jkt": "x" * 43}, {"jkt": 7}, {}, {"x5t#S256": "x"}):
        token = assertion(company, cnf=cnf)
        answer = bring(deployment, token)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_dpop_proof")


def test_184_our_own_is_none(deployment, company):
    claims = claims_of(assertion(company, iss=ISSUER))
    ours = deployment.server.keys.sign(TYPE, claims, deployment.clock.now)
    refused(deployment, bring(deployment, ours), "id_jag_self_issued")


def test_184_one_that_its_issuer_did_not_sign_is_none(deployment, company, idp):
    good = assertion(company)
    head, payload, _ = good.split(".")
    claims = json.dumps(claims_of(good)).encode()
    kid = company.signing_key.get("kid", "")
    forged = [
        f"{head}.{payload}.", f"{head}.{payload}.AAAA",
        f"{segment(json.dumps({'alg': 'none', 'typ': TYPE}).encode())}.{payload}.",
        sign({"alg": "ES256", "kid": kid, "typ": TYPE}, claims, new_key(str(kid))),
        sign({"alg": "ES256", "kid": idp.signing_key.get("kid", ""), "typ": TYPE}, claims,
             idp.signing_key),
        sign({"alg": "ES256", "kid": kid, "typ": TYPE, "crit": ["x"], "x": 1}, claims,
             company.signing_key),
    ]  # fmt: skip
    for token in forged:
        refused(deployment, bring(deployment, token))
    assert bring(deployment, good).status_code == 200


@pytest.mark.spec("RFC 8725", "3.1")
def test_185_one_that_confuses_what_signs_it_or_brings_its_key_is_none(deployment, company):
    claims = json.dumps(claims_of(assertion(company))).encode()
    kid, stranger = company.signing_key.get("kid", ""), new_key("key-1")
    head, url = {"kid": kid, "typ": TYPE}, f"{company.origin}/evil"
    own = stranger.as_dict(private=False)
    assert bring(deployment, assertion(company)).status_code == 200
    forged = confused(head, claims, company.signing_key)
    for brought in ({"jwk": own}, {"jku": url}, {"x5u": url}, {"jwk": own, "kid": "mine"}):
        forged.append(sign({"alg": "ES256", **head, **brought}, claims, stranger))
    for token in forged:
        refused(deployment, bring(deployment, token))
    assert company.asked("/evil") == []


def test_184_its_times_are_those_of_a_ticket_and_not_of_a_pass(deployment, company):
    now = company.now
    wrong: tuple[dict[str, Any], ...] = (
        {"exp": now - 60}, {"exp": now + 86400}, {"exp": ABSENT}, {"iat": now + 60},
        {"iat": ABSENT}, {"nbf": now + 60}, {"jti": ABSENT}, {"sub": ABSENT}, {"sub": ""},
        {"sub": ["user-1"]}, {"iat": True}, {"nbf": True}, {"iat": "now"}, {"exp": True},
        {"iat": now + 60, "nbf": now}, {"iat": now + 20, "exp": now + 10}, {"iat": 5},
    )  # fmt: skip
    for claims in wrong:
        refused(deployment, bring(deployment, assertion(company, **claims)))


def test_184_a_chain_of_actors_without_end_is_none(deployment, company):
    long: dict[str, Any] = {"sub": "x" * 800}
    for _ in range(9):
        long = {"sub": "x" * 800, "act": long}
    for chain in (long, {"sub": 7}, "x", {"sub": "a", "act": []}):
        refused(deployment, bring(deployment, assertion(company, act=chain)))


STRANGE: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, -1, 1e300, 2**70, "", "x", [], {}, ["x"], {"sub": {}}, {"jkt": []}, ABSENT]
)
CLAIMS = st.dictionaries(
    st.sampled_from(
        ["sub", "aud", "exp", "iat", "nbf", "jti", "scope", "client_id", "act", "cnf", "acr", "amr",
         "auth_time", "resource", "email", "name"]
    ),
    STRANGE,
)  # fmt: skip


def test_184_whatever_is_signed_is_answered(deployment, company):
    @examples(60)
    @given(claims=CLAIMS)
    def answered(claims):
        assert bring(deployment, assertion(company, **claims)).status_code < 500

    answered()


def test_184_whatever_is_sent_is_answered(deployment):
    @examples(60)
    @given(token=tokens)
    def answered(token):
        assert 400 <= bring(deployment, token).status_code < 500

    answered()


def test_184_a_client_is_needed(deployment, company):
    params = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}
    answer = form(deployment, "/token", {**params, "assertion": assertion(company)})
    assert answer.status_code in (400, 401)
    assert "access_token" not in answer.json

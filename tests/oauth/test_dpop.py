import json

import pytest

from authserver.oauth import dpop
from authserver.oauth.errors import OAuthError
from tests.proving import ABSENT, KEYS, TOKEN_URL, Holder, stranger
from tests.upstream.hostile_idp import NOW
from tests.upstream.jose import segment

HOLDER = Holder()


def prove(proof, **changes):
    said = {"htm": "POST", "url": TOKEN_URL, "now": NOW, **changes}
    return dpop.prove(proof, **said)


def reason(proof, **changes):
    with pytest.raises(OAuthError) as refused:
        prove(proof, **changes)
    assert (refused.value.code, refused.value.status) == ("invalid_dpop_proof", 400)
    return refused.value.detail


@pytest.mark.spec("RFC 9449", "4.3")
@pytest.mark.parametrize("alg", dpop.ALGORITHMS)
def test_a_proof_names_its_key_whatever_the_algorithm(alg):
    holder = Holder(alg)
    found = prove(holder.proof(nonce="n"))
    assert found.jkt == KEYS[alg].thumbprint()
    assert found.nonce == "n"
    assert found.expires_at == NOW + dpop.WINDOW + 1


def test_it_is_spent_under_key_and_jti_alone():
    first = prove(HOLDER.proof(jti="one"))
    assert prove(HOLDER.proof(jti="one", iat=NOW - 9)).digest == first.digest
    assert prove(HOLDER.proof(jti="two")).digest != first.digest
    assert prove(stranger().proof(jti="one")).digest != first.digest


@pytest.mark.parametrize("iat", [NOW, NOW + 10, NOW - 10, NOW + 300, NOW - 300, NOW + 0.5])
def test_clocks_may_differ_by_five_minutes(iat):
    assert prove(HOLDER.proof(iat=iat)).expires_at >= NOW


@pytest.mark.spec("RFC 9449", "4.3")
@pytest.mark.parametrize(("claims", "expected"), [
    ({"htm": ABSENT}, "htm"), ({"htm": "post"}, "htm"), ({"htm": "GET"}, "htm"),
    ({"htm": ["POST"]}, "htm"),
    ({"htu": ABSENT}, "htu"), ({"htu": "https://auth.example/par"}, "htu"), ({"htu": 7}, "htu"),
    ({"iat": ABSENT}, "iat"), ({"iat": NOW - 301}, "iat"), ({"iat": NOW + 301}, "iat"),
    ({"iat": str(NOW)}, "iat"), ({"iat": True}, "iat"), ({"iat": NOW * 1000}, "iat"),
    ({"iat": -1e300}, "iat"),
    ({"jti": ABSENT}, "jti"), ({"jti": ""}, "jti"), ({"jti": 7}, "jti"),
    ({"jti": "j" * 513}, "jti"),
], ids=str)  # fmt: skip
def test_every_claim_is_needed_and_right(claims, expected):
    assert reason(HOLDER.proof(**claims)) == f"dpop_{expected}"


@pytest.mark.spec("RFC 9449", "4.3")
@pytest.mark.parametrize(("header", "expected"), [
    ({"typ": ABSENT}, "typ"), ({"typ": "JWT"}, "typ"), ({"typ": 7}, "typ"),
    ({"alg": "none"}, "alg"), ({"alg": ABSENT}, "alg"),
    ({"jwk": ABSENT}, "jwk"), ({"jwk": "key"}, "jwk"), ({"jwk": {}}, "jwk"),
    ({"jwk": KEYS["ES256"].as_dict(private=True)}, "jwk"),
    ({"jwk": KEYS["RS256"].as_dict(private=False)}, "jwk"),
    ({"jwk": stranger().jwk}, "signature"),
    ({"crit": ["exp"], "exp": 1}, "malformed"), ({"b64": True}, "malformed"),
], ids=range(13))  # fmt: skip
def test_the_header_says_what_it_is_and_whose(header, expected):
    assert reason(HOLDER.proof(header=header)) == f"dpop_{expected}"


def test_a_secret_signs_no_proof():
    header = {"typ": "dpop+jwt", "alg": "HS256", "jwk": {"kty": "oct", "k": "AAAA"}}
    proof = f"{segment(json.dumps(header).encode())}.e30.AAAA"
    assert reason(proof) == "dpop_alg"


@pytest.mark.parametrize("proof", [
    "", "a", "a.b", "a.b.c", "e30.e30.", f"{'a' * 9000}.a.a", "e30.e30.AA, e30.e30.AA",
    f"{segment(b'[]')}.e30.AA", f"{segment(b'{')}.e30.AA", "\u00e9.a.a", " e30.e30.AA",
])  # fmt: skip
def test_what_is_no_single_jwt_is_refused(proof):
    assert reason(proof) in ("dpop_malformed", "dpop_typ")


def test_one_that_was_changed_is_refused():
    head, payload, signature = HOLDER.proof().split(".")
    _, other, _ = HOLDER.proof().split(".")
    assert reason(f"{head}.{other}.{signature}") == "dpop_signature"
    assert reason(f"{head}.{payload}.{'A' * 86}") == "dpop_signature"


@pytest.mark.spec("RFC 9449", "4.3")
def test_at_a_resource_it_names_the_token():
    proof = HOLDER.proof(token="abc")
    assert prove(proof, access_token="abc")
    for ath in ("wrong", ABSENT, 7, "\u00e9"):
        assert reason(HOLDER.proof(token="abc", ath=ath), access_token="abc") == "dpop_ath"
    assert reason(HOLDER.proof(token="abd"), access_token="abc") == "dpop_ath"

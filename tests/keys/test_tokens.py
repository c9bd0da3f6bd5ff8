"""What we sign, as other libraries judge it, and what we take for ours"""

import base64
import hashlib
import hmac
import json

import jwt
import pytest
from joserfc import jws
from joserfc.jwk import ECKey, KeySet, OctKey

from authserver.resource_server.keys import import_keys

NOW = 1_800_000_000
ALGORITHMS = ["ES256", "RS256", "EdDSA"]
CLAIMS: dict[str, object] = {"sub": "user", "exp": NOW + 60}
MEMBERS = {
    "ES256": {"kty": "EC", "crv": "P-256", "x": 43, "y": 43},
    "RS256": {"kty": "RSA", "n": 342, "e": "AQAB"},
    "EdDSA": {"kty": "OKP", "crv": "Ed25519", "x": 43},
}


@pytest.fixture(params=ALGORITHMS)
def alg(request):
    return request.param


@pytest.fixture
def keys(make_keys, alg):
    keys = make_keys(alg=alg)
    keys.prepare(NOW)
    return keys


def _b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _token(header, sign=lambda _: b"signature"):
    signed = f"{_b64(json.dumps(header).encode())}.{_b64(json.dumps(CLAIMS).encode())}"
    return f"{signed}.{_b64(sign(signed.encode()))}"


@pytest.mark.spec("RFC 7517", "4")
def test_the_jwks_holds_the_public_members_and_nothing_else(keys, alg):
    (key,) = keys.jwks(NOW)["keys"]

    expected = MEMBERS[alg]
    assert key.keys() == expected.keys() | {"use", "alg", "kid"}
    assert (key["use"], key["alg"]) == ("sig", alg)
    for member, value in expected.items():
        assert (len(key[member]) if isinstance(value, int) else key[member]) == value


@pytest.mark.spec("RFC 7638", "3")
def test_the_key_id_is_the_thumbprint(keys, alg):
    (key,) = keys.jwks(NOW)["keys"]

    canonical = {name: key[name] for name in sorted(MEMBERS[alg])}
    text = json.dumps(canonical, separators=(",", ":"))
    assert key["kid"] == _b64(hashlib.sha256(text.encode()).digest())


@pytest.mark.spec("RFC 9068", "2.1")
def test_the_header_names_algorithm_type_and_key_and_nothing_else(keys, alg):
    headers = jws.extract_compact(keys.sign("at+jwt", CLAIMS, NOW).encode()).headers()

    assert headers == {"alg": alg, "typ": "at+jwt", "kid": keys.jwks(NOW)["keys"][0]["kid"]}
    assert keys.signing_alg(NOW) == alg


def test_pyjwt_verifies_our_tokens_by_our_jwks(keys, alg):
    token = keys.sign("at+jwt", CLAIMS, NOW)
    published = jwt.PyJWKSet.from_dict(keys.jwks(NOW))
    key = published[jwt.get_unverified_header(token)["kid"]]

    claims = jwt.decode(token, key, algorithms=[alg], options={"verify_exp": False})
    assert claims == CLAIMS
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token[:-8] + "AAAAAAAA", key, algorithms=[alg], options={"verify_exp": False})


def test_the_kit_takes_every_published_key(keys, alg):
    keys.rotate(NOW)

    imported = import_keys(keys.jwks(NOW))
    assert len(imported) == 2
    assert all(key.fits(alg) for key in imported.values())


def test_our_own_token_comes_back(keys):
    assert keys.verify(keys.sign("at+jwt", CLAIMS, NOW), "at+jwt", NOW) == CLAIMS


@pytest.mark.parametrize("typ", ["JWT", "at+JWT", "application/at+jwt", "", None])
def test_a_token_of_another_type_is_not_taken(keys, typ):
    assert keys.verify(keys.sign("at+jwt", CLAIMS, NOW), typ, NOW) is None
    assert keys.verify(keys.sign(str(typ), CLAIMS, NOW), "at+jwt", NOW) is None


@pytest.mark.parametrize("exp", [NOW, NOW - 1, None, "1900000000", NOW + 0.5, True])
def test_a_token_that_is_expired_or_does_not_say_when_is_not_taken(keys, exp):
    assert keys.verify(keys.sign("at+jwt", {"exp": exp}, NOW), "at+jwt", NOW) is None
    assert keys.verify(keys.sign("at+jwt", {}, NOW), "at+jwt", NOW) is None


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "a.b.c", "é.é.é", "x" * 5000, "\0", _token([]), _token("at+jwt"), _token({})],
)
def test_what_is_no_token_is_not_taken(keys, token):
    assert keys.verify(token, "at+jwt", NOW) is None


@pytest.mark.spec("RFC 8725", "3.1")
@pytest.mark.parametrize(
    "extra",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "ES384"},
        {"alg": None},
        {"alg": ["ES256"]},
        {"kid": "../../dev/null"},
        {"kid": None},
        {"kid": ["x"]},
        {"kid": {}},
        {"crit": ["exp"]},
        {"b64": False, "crit": ["b64"]},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"jku": "https://attacker.example/jwks"},
        {"x5u": "https://attacker.example/cert"},
    ],
)
def test_a_header_of_a_strangers_making_is_not_taken(keys, alg, extra):
    kid = keys.jwks(NOW)["keys"][0]["kid"]
    honest = {"alg": alg, "typ": "at+jwt", "kid": kid}

    for signature in (b"", b"signature", b"\0" * 64):
        assert keys.verify(_token(honest | extra, lambda _, s=signature: s), "at+jwt", NOW) is None


@pytest.mark.spec("RFC 8725", "3.1")
def test_a_token_signed_with_the_public_key_as_a_secret_is_not_taken(keys):
    (public,) = keys.jwks(NOW)["keys"]
    key = KeySet.import_key_set({"keys": [public]}).keys[0]
    assert not isinstance(key, OctKey)
    header = {"alg": "HS256", "typ": "at+jwt", "kid": public["kid"]}

    for secret in (key.as_pem(private=False), key.as_der(private=False), json.dumps(key.as_dict())):
        encoded = secret.encode() if isinstance(secret, str) else secret
        forged = _token(header, lambda data, s=encoded: hmac.digest(s, data, "sha256"))
        assert keys.verify(forged, "at+jwt", NOW) is None


def test_another_key_that_claims_our_key_id_is_not_taken(keys, alg):
    header = {"alg": "ES256", "typ": "at+jwt", "kid": keys.jwks(NOW)["keys"][0]["kid"]}
    forged = jws.serialize_compact(header, json.dumps(CLAIMS), ECKey.generate_key("P-256"))

    assert keys.verify(forged, "at+jwt", NOW) is None


@pytest.mark.parametrize(
    ("alg", "other"), [("RS256", "RS512"), ("RS256", "PS256")], indirect=["alg"]
)
def test_our_own_key_used_with_another_algorithm_is_not_taken(keys, other):
    active = keys._rings.current(NOW).active(NOW)
    header = {"alg": other, "typ": "at+jwt", "kid": active.kid}
    token = jws.serialize_compact(header, json.dumps(CLAIMS), active.private, algorithms=[other])

    assert keys.verify(token, "at+jwt", NOW) is None


def test_an_altered_payload_is_not_taken(keys):
    header, _, signature = keys.sign("at+jwt", CLAIMS, NOW).split(".")
    altered = _b64(json.dumps(CLAIMS | {"sub": "another"}).encode())

    assert keys.verify(f"{header}.{altered}.{signature}", "at+jwt", NOW) is None


def test_an_algorithm_that_we_do_not_make_is_refused(make_keys):
    with pytest.raises(ValueError, match="HS256"):
        make_keys(alg="HS256").prepare(NOW)

import json
from pathlib import Path

import pytest
from joserfc.jwk import OctKey, RSAKey

from authserver.oauth import jwk
from tests.proving import KEYS

# The key of RFC 7638 §3.1, and its thumbprint.
RFC_7638 = {
    "kty": "RSA",
    "n": (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc"
        "_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR"
        "0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTW"
        "hAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    ),
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}


@pytest.mark.spec("RFC 7638", "3.1")
def test_the_thumbprint_is_the_one_of_the_rfc():
    found = jwk.read(RFC_7638, "RS256")
    assert found is not None
    assert found.thumbprint == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize("alg", jwk.ALGORITHMS)
def test_a_public_key_of_each_algorithm_is_read_with_its_thumbprint(alg):
    key = KEYS[alg]
    found = jwk.read({**key.as_dict(private=False), "kid": "x", "x5c": ["y"]}, alg)
    assert found is not None
    assert found.thumbprint == key.thumbprint()


@pytest.mark.parametrize("alg", jwk.ALGORITHMS)
@pytest.mark.parametrize("other", jwk.ALGORITHMS)
def test_a_key_fits_its_own_algorithm_only(alg, other):
    same = KEYS[alg].key_type == KEYS[other].key_type and (
        KEYS[alg].as_dict(private=False).get("crv") == KEYS[other].as_dict(private=False).get("crv")
    )
    found = jwk.read(KEYS[alg].as_dict(private=False), other)
    assert (found is not None) is same


@pytest.mark.parametrize("alg", jwk.ALGORITHMS)
def test_a_private_key_is_none(alg):
    assert jwk.read(KEYS[alg].as_dict(private=True), alg) is None


@pytest.mark.parametrize("change", [
    {"kty": "oct", "k": "AA"}, {"kty": None}, {"kty": ["EC"]}, {"crv": "P-384"}, {"crv": None},
    {"x": None}, {"x": 7}, {"x": ""}, {"x": "A" * 43}, {"y": "A" * 200}, {"x": "a b"},
    {"x": "\u00e9" * 43}, {"k": "AA"}, {"d": "AA"},
], ids=json.dumps)  # fmt: skip
def test_what_is_no_public_key_is_none(change):
    assert jwk.read({**KEYS["ES256"].as_dict(private=False), **change}, "ES256") is None


@pytest.mark.parametrize("value", [None, "key", 7, [], {}])
def test_what_is_no_key_at_all_is_none(value):
    assert jwk.read(value, "ES256") is None


def test_a_short_rsa_key_and_a_secret_are_none():
    with pytest.warns(match="2048"):
        short = RSAKey.generate_key(1024)
    assert jwk.read(short.as_dict(private=False), "RS256") is None
    assert jwk.read(OctKey.generate_key(256).as_dict(private=True), "ES256") is None


def test_the_module_needs_nothing_of_the_server():
    assert "authserver" not in Path(jwk.__file__).read_text().partition('"""\n')[2]

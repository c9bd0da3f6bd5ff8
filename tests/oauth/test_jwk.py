import json
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Literal

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey, OctKey

from authserver.oauth import jwk
from tests.proving import KEYS
from tests.upstream.jose import segment

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


def test_a_secret_is_none():
    assert jwk.read(OctKey.generate_key(256).as_dict(private=True), "ES256") is None


def test_a_coordinate_keeps_the_octets_that_are_zero():
    key = ECKey.import_key(ec.derive_private_key(379, ec.SECP256R1()).public_key())
    public = key.as_dict(private=False)
    octets = urlsafe_b64decode(str(public["x"]) + "==")
    assert (len(octets), octets[0]) == (32, 0)
    assert jwk.read(public, "ES256") is not None
    assert jwk.read({**public, "x": segment(octets[1:])}, "ES256") is None


def number(value: int, length: int | None = None, order: Literal["big", "little"] = "big") -> str:
    return segment(value.to_bytes(length or -(-value.bit_length() // 8), order))


def value_of(text: str) -> int:
    return int.from_bytes(urlsafe_b64decode(text + "=="))


MODULUS = value_of(RFC_7638["n"])
LEAST, MOST = (1 << 2047) + 1, (1 << 8192) - 1


@pytest.mark.spec("RFC 7518", "6.3.1")
@pytest.mark.parametrize(
    ("change", "taken"),
    [
        ({}, True),
        ({"n": number(LEAST)}, True),
        ({"n": number(MOST)}, True),
        ({"n": number(LEAST - 2)}, False),
        ({"n": number(MOST + 2)}, False),
        ({"n": number(MODULUS >> 1024 | 1)}, False),
        ({"n": number(MODULUS >> 1024 | 1, 256)}, False),
        ({"n": number(MODULUS, 257)}, False),
        ({"n": number(MODULUS - 1)}, False),
        ({"n": RFC_7638["n"][:-1] + "x"}, False),
        ({"n": RFC_7638["n"] + "=="}, False),
        ({"n": RFC_7638["n"] + "A"}, False),
        ({"e": number(3)}, True),
        ({"e": number(2**32 - 1)}, True),
        ({"e": number(2**32 + 1)}, False),
        ({"e": number(65536)}, False),
        ({"e": number(1)}, False),
        ({"e": number(65537, 4)}, False),
        ({"e": "AQAB="}, False),
        ({"e": ""}, False),
    ],
    ids=range(20),
)
def test_an_rsa_key_is_judged_by_its_numbers_in_their_one_spelling(change, taken):
    assert (jwk.read({**RFC_7638, **change}, "RS256") is not None) is taken


@pytest.mark.spec("RFC 7518", "6.2.1.2")
@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512", "EdDSA"])
def test_a_coordinate_has_all_its_octets_and_no_more(alg):
    public = KEYS[alg].as_dict(private=False)
    octets = urlsafe_b64decode(str(public["x"]) + "==")
    for other in (b"\0" + octets, octets + b"\0", octets[1:], octets[:-1]):
        assert jwk.read({**public, "x": segment(other)}, alg) is None
    for more in ("=", "==", "A"):
        assert jwk.read({**public, "x": f"{public['x']}{more}"}, alg) is None


def test_a_key_has_one_thumbprint():
    public = KEYS["ES512"].as_dict(private=False)
    same = number(value_of(str(public["x"])) + 2**521 - 1, 66)  # as the library reduces it
    assert ECKey.import_key({**public, "x": same}).raw_value == KEYS["ES512"].raw_value.public_key()
    assert jwk.read({**public, "x": same}, "ES512") is None
    last = str(KEYS["ES256"].as_dict(private=False)["x"])[-1]
    loose = str(KEYS["ES256"].as_dict(private=False)["x"])[:-1] + chr(ord(last) + 1)
    assert jwk.read({**KEYS["ES256"].as_dict(private=False), "x": loose}, "ES256") is None
    one = {"kty": "OKP", "crv": "Ed25519"}
    assert jwk.read({**one, "x": number(1, 32, "little")}, "EdDSA") is not None
    assert jwk.read({**one, "x": number(2**255 - 18, 32, "little")}, "EdDSA") is None


def test_the_module_needs_nothing_of_the_server():
    assert "authserver" not in Path(jwk.__file__).read_text().partition('"""\n')[2]

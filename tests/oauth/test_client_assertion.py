import json
import warnings
from base64 import urlsafe_b64encode
from dataclasses import replace

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from authserver.oauth import client_assertion, client_auth
from authserver.oauth.client_assertion import LEEWAY, MAX_LENGTH, MAX_LIFETIME, TYPE
from tests.oauth.samples import CLIENT, ISSUER, NOW, params, refused

KEY = ECKey.generate_key("P-256", parameters={"kid": "k1"})
CLAIMS = {"iss": "issues", "sub": "issues", "aud": ISSUER, "exp": NOW + 60, "jti": "j"}
ABSENT = "(absent)"


def public(*keys):
    return tuple(type(key).import_key(key.as_dict(private=False)) for key in keys)


def signed(changes=None, key=KEY, **header):
    merged = {**CLAIMS, **(changes or {})}
    claims = {name: value for name, value in merged.items() if value is not ABSENT}
    whole = {"alg": "ES256", "kid": "k1", **header}
    head = {name: value for name, value in whole.items() if value is not ABSENT}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # joserfc would have EdDSA called Ed25519
        return jwt.encode(head, claims, key, algorithms=[head["alg"]])


def proven(assertion, keys=None):
    return client_assertion.prove(
        assertion, "issues", public(KEY) if keys is None else keys, ISSUER, NOW
    )


@pytest.mark.spec("RFC 7523", "3")
def test_an_assertion_of_the_clients_own_key_is_good_until_it_expires():
    found = proven(signed())
    assert found.expires_at == NOW + 60 + LEEWAY
    assert found.digest == proven(signed({"exp": NOW + 90})).digest
    assert found.digest != proven(signed({"jti": "k"})).digest


def test_063_what_one_client_used_up_is_good_for_another():
    other = {"iss": "wiki", "sub": "wiki"}
    found = client_assertion.prove(signed(other), "wiki", public(KEY), ISSUER, NOW)
    assert found.digest != proven(signed()).digest


@pytest.mark.parametrize("aud", [ISSUER, [ISSUER]], ids=str)
@pytest.mark.parametrize("kid", ["k1", ABSENT])
def test_the_audience_is_our_issuer_alone(aud, kid):
    assert proven(signed({"aud": aud}, kid=kid))


@pytest.mark.parametrize(
    ("alg", "key"),
    [
        ("RS256", RSAKey.generate_key(2048)),
        ("PS256", RSAKey.generate_key(2048)),
        ("ES384", ECKey.generate_key("P-384")),
        ("EdDSA", OKPKey.generate_key("Ed25519")),
    ],
    ids=["RS256", "PS256", "ES384", "EdDSA"],
)
def test_many_kinds_of_keys_sign(alg, key):
    assert proven(signed(key=key, alg=alg, kid=ABSENT), public(KEY, key))


@pytest.mark.spec("RFC 7523", "3")
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "wiki"}, {"sub": "wiki"}, {"iss": ABSENT},
        {"aud": f"{ISSUER}/token"}, {"aud": f"{ISSUER}/"}, {"aud": [ISSUER, "x"]}, {"aud": ABSENT},
        {"aud": []}, {"exp": ABSENT}, {"exp": NOW - LEEWAY}, {"exp": "x"}, {"exp": True},
        {"exp": NOW + MAX_LIFETIME + LEEWAY + 1}, {"exp": 2**60},
        {"iat": NOW + LEEWAY + 1}, {"iat": NOW - MAX_LIFETIME - LEEWAY - 1}, {"iat": "x"},
        {"nbf": NOW + LEEWAY + 1}, {"nbf": None},
        {"jti": ABSENT}, {"jti": ""}, {"jti": 7}, {"jti": "x" * 513},
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_a_claim_that_is_not_right_is_refused(changes):
    with refused("invalid_client") as caught:
        proven(signed(changes))
    assert caught.value.status == 401
    assert caught.value.description == "Client authentication failed."


@pytest.mark.spec("RFC 8725", "3.1")
def test_a_signature_of_any_other_kind_or_key_is_refused():
    other = ECKey.generate_key("P-256", parameters={"kid": "k1"})
    public_bytes = json.dumps(KEY.as_dict(private=False)).encode()
    header, payload, signature = signed().split(".")
    none = urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    bad = [
        signed(key=other),
        signed(kid="k2"),
        signed(key=OctKey.import_key(public_bytes), alg="HS256"),
        f"{none}.{payload}.",
        f"{header}.{payload}.",
        f"{header}.{payload}.{signature[::-1]}",
    ]
    for assertion in bad:
        with refused("invalid_client"):
            proven(assertion)
    with refused("invalid_client"):
        proven(signed(), keys=())


@pytest.mark.spec("RFC 8725", "3.10")
@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c"])
def test_a_key_that_the_header_brings_along_is_none(member):
    other = ECKey.generate_key("P-256")
    values = {"jwk": other.as_dict(private=False), "x5c": ["MIIB"]}
    value = values.get(member, "https://evil.example/keys")
    with refused("invalid_client"):
        proven(signed(key=other, kid=ABSENT, **{member: value}))


@pytest.mark.parametrize("header", [{"crit": ["exp"]}, {"b64": True}], ids=str)
def test_a_header_that_changes_the_meaning_is_refused(header):
    protected = urlsafe_b64encode(json.dumps({"alg": "ES256", **header}).encode())
    _, payload, signature = signed().split(".")
    with refused("invalid_client"):
        proven(f"{protected.rstrip(b'=').decode()}.{payload}.{signature}")


@pytest.mark.parametrize(
    "assertion",
    ["", "a", "a.b", "a.b.c", "é.é.é", "e30.e30.e30", "x" * (MAX_LENGTH + 1), signed() + ".x"],
    ids=lambda text: text[:10],
)
def test_what_is_no_assertion_names_nobody(assertion):
    with refused("invalid_client"):
        client_assertion.subject(assertion)


def test_credentials_are_read_from_the_assertion():
    assertion = signed()
    values = {"client_assertion": assertion, "client_assertion_type": TYPE}
    found = client_auth.parse(None, params(**values))
    assert (found.client_id, found.method) == ("issues", "private_key_jwt")
    assert assertion not in repr(found)
    assert client_auth.parse(None, params(**values, client_id="issues")) == found
    with refused("invalid_request"):
        client_auth.parse(None, params(**values, client_id="wiki"))
    for pair in values.items():
        with refused("invalid_client"):
            client_auth.parse(None, params(pair))


def test_an_assertion_is_for_clients_with_keys():
    client = replace(
        CLIENT, client_id="issues", token_endpoint_auth_method="private_key_jwt", keys=public(KEY)
    )
    values = {"client_assertion": signed(), "client_assertion_type": TYPE}
    credentials = client_auth.parse(None, params(**values))
    found, proof = client_auth.check(client, credentials, ISSUER, NOW)
    assert (found, proof) == (client, proven(signed()))
    for other in (
        None,
        replace(client, token_endpoint_auth_method="none"),
        replace(client, keys=()),
    ):
        with refused("invalid_client"):
            client_auth.check(other, credentials, ISSUER, NOW)


@pytest.mark.spec("OpenID Connect Core", "10.1")
def test_where_several_keys_would_fit_the_assertion_names_its_own():
    second = ECKey.generate_key("P-256", parameters={"kid": "k2"})
    unnamed = (ECKey.generate_key("P-256"), ECKey.generate_key("P-256"))
    both = public(KEY, second)
    assert proven(signed(), both)
    assert proven(signed(key=second, kid="k2"), both)
    assert proven(signed(kid=ABSENT), public(KEY, RSAKey.generate_key(2048)))
    assert proven(signed(key=unnamed[0], kid="k3"), public(KEY, unnamed[0]))
    for assertion, keys, detail in (
        (signed(kid=ABSENT), both, "key_ambiguous"),
        (signed(), public(KEY, KEY), "key_ambiguous"),
        (signed(key=unnamed[0], kid="k3"), public(*unnamed), "key_ambiguous"),
        (signed(kid="k3"), both, "key_unknown"),
    ):
        with refused("invalid_client") as refusal:
            proven(assertion, keys)
        assert refusal.value.detail == f"assertion_{detail}"


@pytest.mark.parametrize(
    ("key", "alg", "fits"),
    [
        (KEY, "ES256", True),
        (KEY, "ES384", False),
        (RSAKey.generate_key(2048), "RS256", True),
        (RSAKey.generate_key(2048, parameters={"alg": "RS512"}), "RS256", False),
        (RSAKey.generate_key(2048, parameters={"use": "enc"}), "PS256", False),
        (ECKey.generate_key("P-256", parameters={"key_ops": ["sign"]}), "ES256", False),
        (OKPKey.generate_key("Ed25519"), "EdDSA", True),
        (OKPKey.generate_key("Ed448"), "EdDSA", False),
        (OKPKey.generate_key("X25519"), "EdDSA", False),
    ],
    ids=range(9),
)
def test_a_key_fits_the_algorithm_that_it_is_meant_for(key, alg, fits):
    assert client_assertion.fits(key, alg) is fits

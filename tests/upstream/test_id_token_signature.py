"""Forged ID tokens, algorithms that are not agreed on, and tokens of another kind."""

import json
from base64 import urlsafe_b64decode

import pytest
from joserfc.jwk import OctKey

from authserver.upstream.errors import UpstreamError
from tests.upstream.hostile_idp import ABSENT, CLIENT_SECRET
from tests.upstream.jose import new_key, segment, sign


def _reason(login, **changes):
    with pytest.raises(UpstreamError) as refusal:
        login.sign_in(**changes)
    return refusal.value.reason


def _segment(value):
    return segment(value.encode())


def _unsigned(token):
    return f"{_segment(json.dumps({'alg': 'none'}))}.{token.split('.')[1]}."


def _hs256(key):
    def forge(token):
        return sign({"alg": "HS256"}, _payload(token), OctKey.import_key(key))

    return forge


def _payload(token):
    return urlsafe_b64decode(token.split(".")[1] + "==")


def _changed_subject(token):
    header, _, signature = token.split(".")
    payload = json.loads(_payload(token)) | {"sub": "admin"}
    return f"{header}.{_segment(json.dumps(payload))}.{signature}"


def _duplicate_subject(idp):
    def forge(token):
        payload = _payload(token).replace(b"{", b'{"sub": "admin", ', 1)
        header = {"alg": "ES256", "kid": idp.signing_key.kid}
        return sign(header, payload, idp.signing_key)

    return forge


@pytest.mark.spec("RFC 8725", "3.1")
@pytest.mark.parametrize(
    ("forge", "reason"),
    [
        (_unsigned, "id_token_alg"),
        (_hs256(CLIENT_SECRET.encode()), "id_token_alg"),
        (_changed_subject, "id_token_signature"),
        (lambda token: token.rpartition(".")[0] + ".", "id_token_signature"),
        (lambda token: token + "A", "id_token_signature"),
        (lambda token: f"{token}.x.y", "id_token_malformed"),
        (lambda _: "opaque", "id_token_malformed"),
        (lambda _: "", "id_token_malformed"),
        (lambda token: "A" + token, "id_token_malformed"),
        (lambda token: "." + token.partition(".")[2], "id_token_malformed"),
        (lambda token: _segment("[1]") + "." + token.partition(".")[2], "id_token_malformed"),
        (lambda token: "ü" + token, "id_token_missing"),
        (lambda _: None, "id_token_missing"),
        (lambda _: {"sub": "user-1"}, "id_token_missing"),
    ],
)
def test_a_forged_token_signs_nobody_in(login, idp, forge, reason):
    idp.forge = forge

    assert _reason(login) == reason


def test_a_claim_that_comes_twice_signs_nobody_in(login, idp):
    idp.forge = _duplicate_subject(idp)

    assert _reason(login) == "id_token_malformed"


@pytest.mark.spec("RFC 8725", "3.11")
@pytest.mark.parametrize(
    "header", [{"typ": "at+jwt"}, {"typ": "logout+jwt"}, {"typ": 7}, {"crit": ["x"], "x": 1}]
)
def test_a_token_of_another_kind_is_no_id_token(login, idp, header):
    idp.header = header

    assert _reason(login) == "id_token_malformed"


@pytest.mark.parametrize(
    "header", [{"typ": ABSENT}, {"typ": "jwt"}, {"x5t": "abc", "custom": 1}, {"x5c": ["A" * 9000]}]
)
def test_header_members_that_decide_nothing_are_ignored(login, idp, header):
    idp.header = header

    assert login.sign_in().subject == "user-1"


@pytest.mark.spec("RFC 8725", "3.1")
def test_an_algorithm_that_the_operator_left_out_is_refused(make_login):
    assert _reason(make_login(id_token_algs=("RS256",))) == "id_token_alg"


@pytest.mark.spec("RFC 8725", "3.1")
def test_an_algorithm_that_the_provider_does_not_announce_is_refused(login, idp):
    idp.metadata = {"id_token_signing_alg_values_supported": ["RS256"]}

    assert _reason(login) == "id_token_alg"


def test_a_provider_that_announces_no_algorithms_is_held_to_the_configured_ones(make_login, idp):
    idp.metadata = {"id_token_signing_alg_values_supported": ABSENT}

    assert make_login().sign_in().subject == "user-1"
    assert _reason(make_login(id_token_algs=("RS256",))) == "id_token_alg"


def test_none_is_refused_even_where_configured_and_announced(make_login, idp):
    idp.metadata = {"id_token_signing_alg_values_supported": ["none", "ES256"]}
    idp.forge = _unsigned

    assert _reason(make_login(id_token_algs=("none", "ES256"))) == "id_token_alg"


def test_hs256_with_the_client_secret_is_accepted_where_the_operator_wrote_it(make_login, idp):
    idp.metadata = {"id_token_signing_alg_values_supported": ["HS256"]}
    idp.forge = _hs256(CLIENT_SECRET.encode())

    assert make_login(id_token_algs=("HS256",)).sign_in().subject == "user-1"


def test_hs256_never_takes_a_published_key_for_the_secret(make_login, idp):
    symmetric = {"kty": "oct", "k": _segment("k" * 32), "kid": "o"}
    idp.metadata = {"id_token_signing_alg_values_supported": ["HS256", "ES256"]}
    idp.published = [symmetric, new_key().as_dict(private=False)]
    idp.forge = _hs256(b"k" * 32)

    assert _reason(make_login(id_token_algs=("HS256", "ES256"))) == "id_token_signature"


@pytest.mark.spec("RFC 7518", "3.2")
@pytest.mark.parametrize("secret", [None, "short"])
def test_hs256_needs_a_secret_long_enough_to_be_a_key(make_login, idp, secret):
    idp.client_auth = "none"
    idp.metadata = {"id_token_signing_alg_values_supported": ["HS256"]}
    idp.forge = _hs256(b"another key that is long enough!")
    login = make_login(id_token_algs=("HS256",), client_secret=secret, client_auth="none")

    assert _reason(login) == "id_token_alg"

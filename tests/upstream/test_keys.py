"""The provider's keys: rotated, unnamed, damaged, and never fetched more than is good."""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from authserver.upstream import jwks
from authserver.upstream.cached import Cached
from authserver.upstream.client import Walled
from authserver.upstream.errors import UpstreamError, UpstreamUnavailable
from authserver.upstream.session import Deadline
from tests.upstream.jose import new_key, segment
from tests.upstream.spoiled_server import Spoiled


def _reason(login):
    with pytest.raises(UpstreamError) as refusal:
        login.sign_in()
    return refusal.value.reason


@pytest.mark.spec("OpenID Connect Core", "10.1.1")
def test_a_rotated_key_is_found_at_once(login, idp):
    login.sign_in()
    idp.rotate("key-2")

    assert login.sign_in().subject == "user-1"
    assert len(idp.asked("/jwks")) == 2


def test_an_unknown_kid_fetches_the_keys_at_most_every_30_seconds(login, idp, clock):
    login.sign_in()
    idp.signing_key = new_key("unpublished")
    for _ in range(3):
        assert _reason(login) == "id_token_key_unknown"
    assert len(idp.asked("/jwks")) == 2

    clock.seconds += 30
    assert _reason(login) == "id_token_key_unknown"
    assert len(idp.asked("/jwks")) == 3


def test_a_wrong_signature_of_a_known_kid_fetches_nothing(login, idp):
    login.sign_in()
    idp.signing_key = new_key("key-1")

    assert _reason(login) == "id_token_signature"
    assert len(idp.asked("/jwks")) == 1


def test_without_a_kid_every_fitting_key_is_tried(login, idp):
    idp.signing_key = new_key(None)
    idp.published = [key.as_dict(private=False) for key in (new_key("a"), idp.signing_key, _rsa())]

    assert login.sign_in().subject == "user-1"


def test_a_rotated_key_without_a_kid_is_found_too(login, idp):
    idp.rotate(None)
    login.sign_in()
    idp.rotate(None)

    assert login.sign_in().subject == "user-1"


def test_a_kid_must_name_its_key(login, idp):
    idp.published = [idp.signing_key.as_dict(private=False) | {"kid": "another"}]

    assert _reason(login) == "id_token_key_unknown"


@pytest.mark.parametrize("member", [{"use": "enc"}, {"alg": "ES384"}, {"key_ops": ["sign"]}])
def test_a_key_for_another_purpose_verifies_nothing(login, idp, member):
    published = idp.signing_key.as_dict(private=False)
    del published["alg"], published["use"]
    idp.published = [published | member, new_key("other").as_dict(private=False)]

    assert _reason(login) == "id_token_key_unknown"


def _rsa():
    return RSAKey.generate_key(2048, {"kid": "rsa"})


@pytest.mark.spec("RFC 7517", "5")
def test_a_key_that_cannot_be_imported_does_not_cost_the_others(login, idp):
    good = idp.signing_key.as_dict(private=False)
    idp.published = [
        7,
        None,
        {},
        {"kty": "AKP", "kid": "key-1"},
        {"kty": ["EC"]},
        good | {"crv": "P-999"},
        good | {"x": "AA"},
        good | {"x": 7},
        good | {"kid": 7},
        good | {"use": "?", "key_ops": ["verify"]},
        {"kty": "RSA", "n": "", "e": "AQAB"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
        good,
    ]

    assert login.sign_in().subject == "user-1"


def _number(value):
    return segment(value.to_bytes((value.bit_length() + 7) // 8))


@pytest.mark.parametrize(
    ("bits", "exponent", "is_taken"),
    [
        (2047, 65537, False),
        (2048, 65537, True),
        (4096, 3, True),
        (4097, 65537, False),
        (2048, 2**32 - 1, True),
        (2048, 2**32 + 1, False),
        (2048, 2**2040 + 1, False),
        (2048, 65536, False),
    ],
    ids=range(8),
)
def test_an_rsa_key_is_one_that_verifies_safely_and_quickly(bits, exponent, is_taken):
    n = _number(2 ** (bits - 1) + 1)
    for written in (n, "AAAA" * 500 + n):
        key = {"kty": "RSA", "n": written, "e": _number(exponent)}
        assert bool(jwks.parse({"keys": [key]})) is is_taken


def test_a_private_key_that_somebody_published_is_none():
    key = new_key("one")
    assert jwks.parse({"keys": [key.as_dict(private=True)]}) == ()
    assert [each.kid for each in jwks.parse({"keys": [key.as_dict(private=False)]})] == ["one"]


def test_a_clients_set_is_small_and_holds_what_can_verify_its_assertions():
    good = new_key("one").as_dict(private=False)
    useless: list[dict[str, Any]] = [
        ECKey.generate_key("P-521").as_dict(private=False),
        OKPKey.generate_key("X25519").as_dict(private=False),
        {**good, "use": "enc"},
    ]
    assert [key.kid for key in jwks.of_client({"keys": [*useless, good]}, None)] == ["one"]
    assert jwks.of_client({"keys": [good]}, "RS256") == ()
    assert len(jwks.of_client({"keys": [good] * 20}, "ES256")) == 20
    assert jwks.of_client({"keys": [good] * 21}, "ES256") == ()


@pytest.mark.parametrize("alg", ["RS256", "PS512", "ES384", "EdDSA"])
def test_each_algorithm_works_with_the_at_hash_of_its_own_size(make_login, idp, alg):
    keys = {
        "RS256": _rsa,
        "PS512": _rsa,
        "ES384": lambda: ECKey.generate_key("P-384"),
        "EdDSA": lambda: OKPKey.generate_key("Ed25519"),
    }
    idp.signing_key = keys[alg]()
    idp.published = [idp.signing_key.as_dict(private=False)]
    idp.metadata = {"id_token_signing_alg_values_supported": [alg]}
    idp.header = {"alg": alg}

    assert make_login(id_token_algs=(alg,)).sign_in().subject == "user-1"


@pytest.mark.parametrize("keys", [[], "none", None, [{"kty": "oct", "k": "AAAA"}]])
def test_a_set_without_a_usable_key_is_an_outage_and_not_an_empty_set(login, idp, keys):
    idp.published = keys

    with pytest.raises(UpstreamUnavailable):
        login.sign_in()


def test_keys_serve_on_while_their_endpoint_is_down(login, idp, clock):
    login.sign_in()
    idp.spoiled["/jwks"] = Spoiled(503)
    clock.seconds += 2 * 3600

    assert login.sign_in().subject == "user-1"


def test_a_new_kid_while_the_keys_endpoint_is_down_is_an_outage(login, idp):
    login.sign_in()
    idp.rotate("key-2")
    idp.spoiled["/jwks"] = Spoiled(503)

    with pytest.raises(UpstreamUnavailable):
        login.sign_in()


def test_who_missed_a_refetch_gets_its_result_and_makes_none(clock):
    fetches = itertools.count(1)
    cached = Cached("jwks", lambda _: next(fetches), clock)
    first = cached.get(Deadline(1))
    second = cached.refetch(first, Deadline(1))
    clock.seconds += 60

    assert (first, second) == (1, 2)
    assert cached.refetch(first, Deadline(1)) == 2
    assert next(fetches) == 3


def test_after_a_refetch_that_failed_it_is_asked_again_soon_and_no_key_is_called_unknown(clock):
    answers = iter([1, UpstreamUnavailable("down"), 2])

    def fetch(_):
        found = next(answers)
        if isinstance(found, Exception):
            raise found
        return found

    cached = Cached("jwks", fetch, clock)
    first = cached.get(Deadline(1))
    for _ in range(2):  # asked once
        with pytest.raises(UpstreamUnavailable):
            cached.refetch(first, Deadline(1))
    clock.seconds += 5
    assert cached.refetch(first, Deadline(1)) == 2


def test_who_needs_no_refetch_takes_no_time_of_anybodys(clock):
    cached = Cached("jwks", lambda _: 1, clock)
    first = cached.get(Deadline(1))
    assert cached.refetch(first, Deadline(1)) == 1
    assert cached.refetch(first, Deadline(0)) == 1


def test_those_who_meet_a_new_key_at_once_wait_for_one_fetch(clock):
    answers, go, asked = iter([1, 2, 3]), threading.Event(), threading.Semaphore(0)

    def fetch(_):
        asked.release()
        assert go.wait(20)
        return next(answers)

    cached = Cached("jwks", fetch, clock)
    go.set()
    first = cached.get(Deadline(20))
    go.clear()
    with ThreadPoolExecutor(3) as pool:
        found = [pool.submit(cached.refetch, first, Deadline(20)) for _ in range(3)]
        for _ in range(2):
            assert asked.acquire(timeout=20)
        go.set()
        assert [each.result(20) for each in found] == [2, 2, 2]


def test_what_clients_bring_holds_up_no_sign_in(make_login):
    upstream = Walled(make_login().client, 1)
    tokens = upstream.subject_tokens
    with tokens.bulkhead.call():
        with pytest.raises(UpstreamUnavailable), tokens.bulkhead.call():
            pass
        assert upstream.authorization_url(state="s", nonce="n", code_verifier="v" * 43)

import json
import os
import threading
import time
from unittest.mock import Mock

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey

from authserver.resource_server import InvalidToken, KeysUnavailable
from authserver.resource_server.jwks import JwksCache
from tests.resource_server.issuer import KEYS, NOW, public

ES = KEYS["ES256"]
NEW = ECKey.generate_key("P-256", {"kid": "new"})


def verify(verifier, issuer, now=NOW, **options):
    return verifier.verify(issuer.token(now=now, **options), now=now)


@pytest.mark.spec("RFC 8414", "3.1")
def test_keys_are_found_through_the_metadata_at_the_inserted_path(issuer):
    verify(issuer.verifier(), issuer)
    assert dict(issuer.hits) == {issuer.metadata_path: 1, "/oauth/jwks": 1}


def test_a_configured_jwks_uri_needs_no_metadata(issuer):
    verify(issuer.verifier(jwks_uri=f"{issuer.url}/jwks"), issuer)
    assert dict(issuer.hits) == {"/oauth/jwks": 1}


@pytest.mark.spec("RFC 8414", "3.3")
@pytest.mark.parametrize("change", ["/", "?", "upper", "missing", "list"])
def test_metadata_of_another_issuer_is_not_believed(issuer, change):
    named = {"upper": issuer.url.upper(), "missing": None, "list": [issuer.url]}
    iss = named.get(change, issuer.url + change)
    issuer.serve(issuer.metadata_path, {"issuer": iss, "jwks_uri": f"{issuer.url}/jwks"})
    with pytest.raises(KeysUnavailable):
        verify(issuer.verifier(), issuer)
    assert issuer.jwks_hits == 0


@pytest.mark.parametrize("uri", [
    None, 7, "", "jwks", "http://keys.example.com/jwks", "file:///etc/passwd", "ftp://127.0.0.1/",
])  # fmt: skip
def test_keys_are_fetched_from_no_insecure_place(issuer, uri):
    issuer.serve(issuer.metadata_path, {"issuer": issuer.url, "jwks_uri": uri})
    with pytest.raises(KeysUnavailable):
        verify(issuer.verifier(), issuer)


def test_keys_are_fetched_once_for_many_tokens(issuer):
    verifier = issuer.verifier()
    for n in range(20):
        verify(verifier, issuer, jti=f"token-{n}")
    assert issuer.jwks_hits == 1


@pytest.mark.parametrize(("cache_control", "lifetime"), [
    ("", 600),
    ("max-age=300", 300),
    ("public, max-age=120", 120),
    ("public,MAX-AGE=120,immutable", 120),
    ("max-age=5", 60),
    ("max-age=0", 60),
    ("max-age=31536000", 3600),
    ("max-age=99999999999999999999", 600),
    ("max-age=soon", 600),
    ("s-maxage=300", 600),
    ("no-store, max-age=3000", 60),
    ("no-cache", 60),
])  # fmt: skip
def test_keys_live_as_long_as_the_issuer_says_within_bounds(issuer, cache_control, lifetime):
    issuer.publish(public(ES), Cache_Control=cache_control)
    verifier = issuer.verifier()
    verify(verifier, issuer)
    verify(verifier, issuer, now=NOW + lifetime - 1)
    assert issuer.jwks_hits == 1
    verify(verifier, issuer, now=NOW + lifetime)
    assert issuer.jwks_hits == 2


def test_a_clock_that_jumps_back_makes_keys_old(issuer):
    verifier = issuer.verifier()
    verify(verifier, issuer)
    verify(verifier, issuer, now=NOW - 3600)
    assert issuer.jwks_hits == 2


def test_a_new_key_is_found_by_its_kid(issuer):
    verifier = issuer.verifier()
    verify(verifier, issuer)
    issuer.publish(public(ES), public(NEW))
    verify(verifier, issuer, now=NOW + 30, key=NEW)
    assert issuer.jwks_hits == 2


def test_unknown_kids_cost_one_fetch_in_thirty_seconds(issuer):
    verifier = issuer.verifier()
    verify(verifier, issuer)
    for second in range(89):
        with pytest.raises(InvalidToken):
            verify(verifier, issuer, now=NOW + second, header={"kid": f"made-up-{second}"})
    assert issuer.jwks_hits == 1 + 2


def test_a_withdrawn_key_is_forgotten_with_all_that_it_signed(issuer):
    issuer.publish(public(ES), public(NEW), Cache_Control="max-age=60")
    verifier, token = issuer.verifier(), issuer.token(key=NEW)
    verifier.verify(token)
    issuer.publish(public(ES), Cache_Control="max-age=60")
    assert verifier.verify(token, now=NOW + 59)
    with pytest.raises(InvalidToken) as refused:
        verifier.verify(token, now=NOW + 60)
    assert refused.value.reason == "key"


def test_old_keys_serve_for_a_day_while_the_issuer_is_down(issuer):
    verifier = issuer.verifier()
    verify(verifier, issuer)
    issuer.answers.clear()
    verify(verifier, issuer, now=NOW + 3601)
    verify(verifier, issuer, now=NOW + 86_399)
    with pytest.raises(KeysUnavailable):
        verify(verifier, issuer, now=NOW + 86_400)


def test_old_keys_are_refreshed_at_most_every_thirty_seconds_while_the_issuer_is_down(issuer):
    verifier = issuer.verifier()
    verify(verifier, issuer)
    issuer.answers.clear()
    for second in range(60):
        verify(verifier, issuer, now=NOW + 600 + second)
    assert issuer.jwks_hits + issuer.hits[issuer.metadata_path] == 2 + 2


def test_an_issuer_that_is_down_without_keys_is_asked_every_five_seconds(issuer):
    answers, verifier = dict(issuer.answers), issuer.verifier()
    issuer.answers.clear()
    for second in range(10):
        with pytest.raises(KeysUnavailable):
            verify(verifier, issuer, now=NOW + second)
    assert issuer.hits[issuer.metadata_path] == 2
    issuer.answers.update(answers)
    assert verify(verifier, issuer, now=NOW + 10)


def test_a_jwks_that_moved_is_found_again(issuer):
    verifier = issuer.verifier()
    verify(verifier, issuer)
    issuer.answers["/oauth/keys"] = issuer.answers.pop("/oauth/jwks")
    issuer.serve(
        issuer.metadata_path, {"issuer": issuer.url, "jwks_uri": f"{issuer.origin}/oauth/keys"}
    )
    verify(verifier, issuer, now=NOW + 3601)
    verify(verifier, issuer, now=NOW + 3631)
    assert issuer.hits["/oauth/keys"] == 1


GOOD = json.dumps({"keys": [public(ES)]}).encode()
BROKEN = {
    "an error page": (500, {}, GOOD),
    "not found": (404, {}, GOOD),
    "a created": (201, {}, GOOD),
    "a redirect": (302, {"Location": "/elsewhere"}, GOOD),
    "no JSON": (200, {}, b"<html>"),
    "a list": (200, {}, b"[]"),
    "no keys": (200, {}, b"{}"),
    "keys that are no list": (200, {}, b'{"keys": {}}'),
    "an empty list": (200, {}, b'{"keys": []}'),
    "a name twice": (200, {}, GOOD[:-1] + b", " + GOOD[1:]),
    "too much": (200, {}, GOOD + b" " * 70_000),
    "compressed": (200, {"Content-Encoding": "gzip"}, b"\x1f\x8b\x08\x00"),
    "nested": (200, {}, b'{"keys": ' + b"[" * 30_000 + b"]" * 30_000 + b"}"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_jwks_leaves_the_keys_of_before(issuer, broken):
    verifier = issuer.verifier()
    verify(verifier, issuer)
    issuer.answers["/oauth/jwks"] = BROKEN[broken]
    verify(verifier, issuer, now=NOW + 3601)
    assert issuer.hits["/elsewhere"] == 0
    with pytest.raises(KeysUnavailable):
        verify(issuer.verifier(), issuer)


@pytest.mark.parametrize("bad", [
    {"kty": "EC", "crv": "P-999", "kid": "es", "x": "AA", "y": "AA"},
    {"kty": "EC", "crv": "P-256", "kid": "es", "x": "AA", "y": "AA"},
    {"kty": "EC", "crv": "P-256", "kid": "es", "x": 5, "y": []},
    {"kty": "EC", "crv": "P-256", "kid": "es"},
    {"kty": "EC", "crv": ["P-256"], "kid": "es"},
    {"kty": "RSA", "kid": "es", "n": "AQAB", "e": "AQAB"},
    {"kty": "RSA", "kid": "es", "n": "A" * 342, "e": "AQAB"},
    {"kty": "RSA", "kid": "es", "n": 7, "e": 7},
    {"kty": "OKP", "crv": "X25519", "kid": "es", "x": "A" * 43},
    {"kty": "OKP", "crv": "Ed25519", "kid": "es", "x": "!"},
    {"kty": "new", "kid": "es"},
    {"kty": ["EC"], "kid": "es"},
    {"kid": "es"},
    OctKey.generate_key(256, {"kid": "es"}).as_dict(),
    public(NEW, kid=None),
    public(NEW, kid=7),
    public(NEW, kid="es", use="enc"),
    public(NEW, kid="es", use=["sig"]),
    public(NEW, kid="es", key_ops=["sign"]),
    public(NEW, kid="es", key_ops="verify"),
    public(NEW, kid="es", alg=7),
    NEW.as_dict(private=True) | {"kid": "es"},
    "es",
    None,
    [],
])  # fmt: skip
def test_a_key_that_cannot_be_used_does_not_take_the_others_with_it(issuer, bad):
    issuer.publish(bad, public(ES))
    assert verify(issuer.verifier(), issuer)


def test_a_key_for_signatures_is_used_whatever_else_it_says(issuer):
    issuer.publish(public(ES, use="sig", key_ops=["verify"], alg="ES256", x5t="x", new=[1]))
    assert verify(issuer.verifier(), issuer)


def test_a_signature_is_checked_once_for_each_token(issuer, monkeypatch):
    check = Mock(wraps=jws.deserialize_compact)
    monkeypatch.setattr(jws, "deserialize_compact", check)
    verifier, tokens = issuer.verifier(), [issuer.token(jti=f"token-{n}") for n in range(3)]
    for token in tokens * 3:
        verifier.verify(token)
    assert check.call_count == 3


def test_only_so_many_tokens_are_remembered(issuer, monkeypatch):
    monkeypatch.setattr("authserver.resource_server.jws._MAX_REMEMBERED", 2)
    verifier = issuer.verifier()
    for n in range(5):
        verify(verifier, issuer, jti=f"token-{n}")
    assert len(verifier._signature._remembered) == 2


def test_many_threads_fetch_the_first_keys_once(issuer):
    issuer.gate.clear()
    verifier, token, results = issuer.verifier(), issuer.token(), []

    def run():
        results.append(verifier.verify(token).subject)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    issuer.gate.set()
    for thread in threads:
        thread.join(10)
    assert results == ["user-1"] * 8
    assert issuer.jwks_hits == 1


def test_nobody_waits_for_a_refresh_while_old_keys_are_at_hand(issuer):
    verifier, token = issuer.verifier(), issuer.token()
    verifier.verify(token)
    issuer.gate.clear()
    refresher = threading.Thread(target=verifier.verify, args=(token,), kwargs={"now": NOW + 700})
    refresher.start()
    while issuer.jwks_hits < 2:
        time.sleep(0.005)
    assert verifier.verify(token, now=NOW + 700)
    assert refresher.is_alive()
    issuer.gate.set()
    refresher.join(10)


def test_an_issuer_that_hangs_costs_seconds_not_minutes(issuer, monkeypatch):
    monkeypatch.setattr("authserver.resource_server.fetching._EACH_TIMEOUT", 0.1)
    issuer.gate.clear()
    started = time.monotonic()
    with pytest.raises(KeysUnavailable):
        verify(issuer.verifier(), issuer)
    assert time.monotonic() - started < 3


def test_an_answer_that_trickles_is_cut_off(issuer, monkeypatch):
    monkeypatch.setattr("authserver.resource_server.fetching.TOTAL_TIMEOUT", 0.0)
    with pytest.raises(KeysUnavailable) as refused:
        verify(issuer.verifier(), issuer)
    assert "too slow" in refused.value.detail


def test_proxies_of_the_environment_are_not_used(issuer, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    assert verify(issuer.verifier(), issuer)


def test_a_forked_process_shares_neither_connection_nor_lock_with_its_parent(issuer, monkeypatch):
    cache = JwksCache(issuer.url, None)
    parents = cache.current(NOW)
    inherited, held = cache._fetcher._http, cache._fetcher.lock()
    with held:  # by a thread of the parent, which the child does not have
        monkeypatch.setattr(os, "getpid", lambda: -1)
        own = cache.current(NOW + 3600)

    assert own is not parents
    assert issuer.jwks_hits == 2
    assert cache._fetcher._http is not inherited

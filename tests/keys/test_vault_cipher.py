"""Values of the vault: sealed to their place, old keys and legacy plaintext, damage"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.keys import VaultCipher
from authserver.keys.inventory import VaultReport, examine, reseal
from authserver.sealing import Damaged, Sealer, SealingKey, UnknownKey
from tests.storage.values import some_tokens

OLD = SealingKey.from_secret(b"the old sealing key of a test ..")
NEW = SealingKey.from_secret(b"the new sealing key of a test ..")
OTHER = SealingKey.from_secret(b"a key of somebody else, of a test")

before = VaultCipher(Sealer((OLD,)))
after = VaultCipher(Sealer((NEW, OLD)))
lenient = VaultCipher(Sealer((NEW, OLD)), accept_plaintext=True)


def sealed_tokens(digest="tokens-1", cipher=before, **changes):
    columns = {
        column: cipher.seal(f"canary-{column}", column, digest)
        for column in ("access_token", "refresh_token", "id_token")
    }
    return some_tokens(digest, **{**columns, **changes})


@given(st.text())
def test_any_text_is_what_it_was_and_never_plaintext(text):
    stored = before.seal(text, "access_token", "row")
    assert lenient.open(stored, "access_token", "row") == text
    assert len(text) < 9 or text not in stored


@pytest.mark.parametrize("place", [("refresh_token", "row"), ("access_token", "another row")])
@pytest.mark.parametrize("cipher", [before, lenient])
def test_a_value_that_was_moved_does_not_open(place, cipher):
    stored = before.seal("canary", "access_token", "row")
    with pytest.raises(Damaged):
        cipher.open(stored, *place)


def test_values_under_each_key_open_and_old_ones_are_due():
    stored = before.seal("canary", "access_token", "row")
    assert after.open(stored, "access_token", "row") == "canary"
    assert not after.is_current(stored)
    assert after.is_current(after.seal("canary", "access_token", "row"))


def test_plaintext_is_refused_unless_it_is_accepted():
    with pytest.raises(Damaged):
        after.open("gho_legacy", "access_token", "row")
    assert lenient.open("gho_legacy", "access_token", "row") == "gho_legacy"


@pytest.mark.parametrize("text", ["v1:", "v1:legacy", "enc:abc", "v1:0123456x:abcd", ""])
def test_plaintext_that_looks_almost_sealed_is_plaintext(text):
    assert lenient.open(text, "access_token", "row") == text


def test_a_key_that_is_not_there_is_named_and_is_no_damage():
    stored = VaultCipher(Sealer((OTHER,))).seal("canary", "access_token", "row")
    with pytest.raises(UnknownKey, match=OTHER.kid):
        lenient.open(stored, "access_token", "row")


def _flipped(stored):
    return stored[:-2] + ("AA" if stored[-2:] != "AA" else "BB")


@pytest.fixture
def filled(store):
    good = sealed_tokens("1")
    with store.write() as tx:
        tx.keep_upstream_tokens(good)
        tx.keep_upstream_tokens(sealed_tokens("2", id_token=_flipped(good.id_token)))
        tx.keep_upstream_tokens(sealed_tokens("3", access_token="gho_legacy", id_token=None))
        tx.keep_upstream_tokens(sealed_tokens("4", VaultCipher(Sealer((OTHER,))), id_token=None))
        tx.keep_upstream_tokens(sealed_tokens("5", after, refresh_token=None, id_token=None))
    return store


def test_every_value_is_examined_and_nothing_is_written(filled):
    expected = VaultReport(current=1, old=6, plaintext=1, damaged=1, missing=2)
    assert examine(filled, after) == expected
    assert examine(filled, lenient) == expected


def test_what_opens_is_sealed_anew_and_what_does_not_stays_as_it_is(filled):
    with filled.read() as reads:
        damaged = reads.upstream_tokens("2").id_token
    assert reseal(filled, after).resealed == 6
    assert examine(filled, after) == VaultReport(current=7, plaintext=1, damaged=1, missing=2)
    assert reseal(filled, after).resealed == 0
    with filled.read() as reads:
        assert reads.upstream_tokens("2").id_token == damaged
        assert reads.upstream_tokens("3").access_token == "gho_legacy"


def test_plaintext_is_sealed_where_it_is_accepted_until_none_is_left(filled):
    assert reseal(filled, lenient).resealed == 7
    assert examine(filled, after).plaintext == 0
    with filled.read() as reads:
        stored = reads.upstream_tokens("3").access_token
    assert after.open(stored, "access_token", "3") == "gho_legacy"


def test_rows_that_were_swapped_are_both_seen(store):
    one, two = sealed_tokens("1"), sealed_tokens("2")
    with store.write() as tx:
        tx.keep_upstream_tokens(some_tokens("1", **_values(two)))
        tx.keep_upstream_tokens(some_tokens("2", **_values(one)))
    assert examine(store, after) == VaultReport(damaged=6)


def _values(tokens):
    return {name: getattr(tokens, name) for name in ("access_token", "refresh_token", "id_token")}


def test_more_rows_than_a_batch_are_all_sealed_anew(store, monkeypatch):
    from authserver.keys import inventory

    monkeypatch.setattr(inventory, "BATCH", 2)
    with store.write() as tx:
        for number in range(5):
            tx.keep_upstream_tokens(sealed_tokens(f"row-{number}"))
    assert reseal(store, after).resealed == 15

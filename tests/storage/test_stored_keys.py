import dataclasses

from tests.storage.values import DAY, NOW, a_key


def test_keys_are_returned_in_their_order(store):
    second = a_key(2, retired_at=NOW + 5, expires_at=NOW + 9)
    with store.write() as tx:
        assert tx.signing_keys() == ()
        assert tx.add_signing_key(second) is True
        assert tx.add_signing_key(a_key(1)) is True
    with store.read() as reads:
        assert reads.signing_keys() == (a_key(1), second)


def test_a_place_in_the_sequence_is_taken_once_and_the_transaction_goes_on(store):
    with store.write() as tx:
        assert tx.add_signing_key(a_key(1)) is True
        assert tx.add_signing_key(a_key(1, kid="another")) is False
        assert tx.add_signing_key(a_key(2, kid="kid-1")) is False
        assert tx.signing_keys() == (a_key(1),)


def test_a_key_retires_once(store):
    with store.write() as tx:
        tx.add_signing_key(a_key())
        assert tx.retire_signing_key("kid-1", retired_at=NOW, expires_at=NOW + DAY) is True
        assert tx.retire_signing_key("kid-1", retired_at=NOW + 1, expires_at=NOW + 1) is False
        assert tx.signing_keys() == (a_key(retired_at=NOW, expires_at=NOW + DAY),)


def test_a_key_is_resealed_only_where_it_is_still_what_was_read(store):
    with store.write() as tx:
        tx.add_signing_key(a_key())
        assert tx.reseal_signing_key("kid-1", old="something else", new="new") is False
        assert tx.reseal_signing_key("kid-1", old=a_key().sealed, new="new") is True
        assert tx.signing_keys() == (dataclasses.replace(a_key(), sealed="new"),)


def test_only_keys_that_left_the_jwks_are_deleted(store):
    with store.write() as tx:
        tx.add_signing_key(a_key(1, retired_at=NOW, expires_at=NOW + 10))
        tx.add_signing_key(a_key(2))
        assert tx.delete_expired_signing_keys(NOW + 9) == 0
        assert tx.delete_expired_signing_keys(NOW + 10) == 1
        assert tx.signing_keys() == (a_key(2),)


def test_a_sealed_key_is_not_shown():
    assert "sealed" not in repr(a_key()).replace("sealed=", "")
    assert "v1:" not in repr(a_key())

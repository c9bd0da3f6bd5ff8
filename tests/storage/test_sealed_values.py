"""What depends on which sealing key, and the instances that say which keys they hold"""

from collections import Counter

import pytest

from authserver.storage.instances import Instance
from tests.storage.values import DAY, NOW, a_grant, a_key, some_tokens

OLD, NEW = "0a0a0a0a", "0b0b0b0b"


def test_values_are_counted_by_the_key_that_sealed_them(store):
    with store.write() as tx:
        tx.keep_upstream_tokens(some_tokens("1"))
        tx.keep_upstream_tokens(some_tokens("2", refresh_token=None, id_token=f"v1:{NEW}:x"))
        tx.keep_upstream_tokens(some_tokens("3", access_token="gho_plain", refresh_token=None))
    with store.read() as reads:
        assert reads.vault_values() == Counter({OLD: 5, NEW: 1, "": 1})


def test_live_grants_are_counted_by_the_key_of_their_refresh_token(store):
    with store.write() as tx:
        tx.add_grant(a_grant("1", refresh_kid=OLD))
        tx.add_grant(a_grant("2", refresh_kid=OLD, revoked_at=NOW))
        tx.add_grant(a_grant("3", refresh_kid=OLD, idle_expires_at=NOW))
        tx.add_grant(a_grant("4", refresh_kid=OLD, expires_at=NOW))
        tx.add_grant(a_grant("5", refresh_kid=NEW))
        tx.add_grant(a_grant("6"))
    with store.read() as reads:
        assert reads.refresh_families(NOW) == Counter({OLD: 1, NEW: 1, "": 1})


def test_rows_come_in_batches_and_each_once(store):
    with store.write() as tx:
        for number in range(5):
            tx.keep_upstream_tokens(some_tokens(f"row-{number}", id_token=None))
    with store.read() as reads:
        first = reads.vault_rows("", 3)
        rest = reads.vault_rows(first[-1].digest, 3)
    assert [row.digest for row in (*first, *rest)] == [f"row-{number}" for number in range(5)]
    assert first[0].values.keys() == {"access_token", "refresh_token"}
    assert "v1:" not in repr(first)


@pytest.mark.parametrize("column", ["access_token", "refresh_token", "id_token"])
def test_a_value_is_resealed_only_where_it_is_still_what_was_read(store, column):
    old = getattr(some_tokens(), column)
    with store.write() as tx:
        tx.keep_upstream_tokens(some_tokens())
        assert tx.reseal_vault_value("tokens-1", column, old="else", new="new") is False
        assert tx.reseal_vault_value("tokens-1", column, old=old, new="new") is True
        assert tx.upstream_tokens("tokens-1") == some_tokens(**{column: "new"})


def test_two_connections_never_overwrite_a_newer_value(store):
    """LE-4: the value that another request stored meanwhile survives the re-sealing."""
    with store.write() as tx:
        tx.keep_upstream_tokens(some_tokens())
    with store.read() as reads:
        seen = reads.upstream_tokens("tokens-1").access_token
        with store.write() as other:
            other.keep_upstream_tokens(some_tokens(access_token="newer"))
    with store.write() as tx:
        assert not tx.reseal_vault_value("tokens-1", "access_token", old=seen, new="resealed")
        assert tx.upstream_tokens("tokens-1").access_token == "newer"


def test_a_lost_key_is_given_up_with_what_it_sealed_and_nothing_else(store):
    with store.write() as tx:
        tx.keep_upstream_tokens(some_tokens("of-the-lost-key"))
        tx.keep_upstream_tokens(
            some_tokens("partly", access_token=f"v1:{NEW}:x", refresh_token=None)
        )
        whole = dict.fromkeys(("access_token", "refresh_token", "id_token"), f"v1:{NEW}:x")
        tx.keep_upstream_tokens(some_tokens("of-another", **whole))
        tx.add_signing_key(a_key(1, sealed=f"v1:{OLD}:x"))
        tx.add_signing_key(a_key(2, sealed=f"v1:{NEW}:x"))
        tx.add_grant(a_grant("1", refresh_kid=OLD))
        tx.add_grant(a_grant("2", refresh_kid=NEW))
        assert tx.forget_sealing_key(OLD, NOW) == (1, 2, 1)
        assert tx.upstream_tokens("of-another") is not None
        assert [key.sequence for key in tx.signing_keys()] == [2]
        assert tx.grant("1").revoked_at == NOW
        assert tx.grant("2").revoked_at is None


def test_an_instance_is_known_while_it_says_that_it_runs(store):
    one = Instance("one", NEW, (NEW, OLD), NOW)
    with store.write() as tx:
        tx.publish_instance(Instance("one", OLD, (OLD,), NOW - 60))
        tx.publish_instance(one)
        tx.publish_instance(Instance("gone", OLD, (OLD,), NOW - 500))
    with store.read() as reads:
        assert reads.instances(NOW - 180) == (one,)
        assert reads.instances(NOW) == ()
    with store.write() as tx:
        assert tx.forget_instances(NOW - DAY) == 0
        assert tx.forget_instances(NOW - 180) == 1
        tx.withdraw_instance("one")
        assert tx.instances(0) == ()

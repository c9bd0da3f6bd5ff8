import os
import traceback

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from authserver.oauth.errors import OAuthError
from tests.storage.values import NOW, SUBJECTS, a_code, a_grant


def _write(store, statements, then):
    with store.write() as tx:
        statements(tx)
        if then is not None:
            raise then


def test_success_commits(store):
    with store.write() as tx:
        tx.add_grant(a_grant())
    with store.read() as reads:
        assert reads.grant("grant-1") is not None


def test_a_refusal_keeps_the_revocation_it_caused(store):
    with store.write() as tx:
        tx.add_grant(a_grant())
    refusal = OAuthError("invalid_grant", "The refresh token was used before.")
    with pytest.raises(OAuthError) as refused:
        _write(store, lambda tx: tx.revoke_grant("grant-1", NOW), refusal)
    assert refused.value is refusal
    with store.read() as reads:
        assert reads.grant("grant-1").revoked_at == NOW


@pytest.mark.parametrize("bug", [ZeroDivisionError, KeyboardInterrupt, GeneratorExit])
def test_a_bug_rolls_back(store, bug):
    with pytest.raises(bug):
        _write(store, lambda tx: tx.add_grant(a_grant()), bug())
    with store.read() as reads:
        assert reads.grant("grant-1") is None


def test_after_a_rollback_the_next_transaction_is_clean(store):
    with pytest.raises(ZeroDivisionError):
        _write(store, lambda tx: tx.add_grant(a_grant()), ZeroDivisionError())
    with store.write() as tx:
        tx.add_grant(a_grant())
    with store.read() as reads:
        assert reads.grant("grant-1") is not None


@pytest.mark.parametrize("then", [None, OAuthError("invalid_grant", "Used before.")])
def test_a_failed_statement_that_was_passed_over_never_looks_committed(store, then):
    """PostgreSQL answers COMMIT with a silent rollback: the revocation would be lost unseen."""
    with store.write() as tx:
        tx.add_code(a_code())
        tx.add_grant(a_grant())

    def revoke_and_pass_over(tx):
        tx.revoke_grant("grant-1", NOW)
        with pytest.raises(IntegrityError):
            tx.add_code(a_code())

    with pytest.raises(RuntimeError, match="passed over"):
        _write(store, revoke_and_pass_over, then)
    with store.read() as reads:
        assert reads.grant("grant-1").revoked_at is None


def test_the_database_sees_a_write_only_after_its_commit(store):
    with store.write() as tx:
        tx.add_grant(a_grant())
        with store.read() as reads:
            assert reads.grant("grant-1") is None
    with store.read() as reads:
        assert reads.grant("grant-1") is not None


def test_each_read_stands_alone_and_sees_what_was_committed_meanwhile(store):
    with store.read() as reads:
        assert reads.grant("grant-1") is None
        with store.write() as tx:
            tx.add_grant(a_grant())
        assert reads.grant("grant-1") is not None


def test_a_transaction_without_a_statement_asks_the_database_nothing(store):
    with store.counting() as count, store.write():
        pass
    assert (count.statements, count.commits) == ([], 0)


def test_reads_do_not_commit_and_are_counted_by_statement(store):
    with store.counting() as count, store.read() as reads:
        reads.grant("grant-1")
        reads.client("client-1")
    assert len(count.statements) == 2
    assert count.commits == 0


def test_begin_and_commit_are_not_statements(store):
    with store.counting() as count, store.write() as tx:
        tx.add_grant(a_grant())
    assert len(count.statements) == 1
    assert count.commits == 1


def test_counting_ends_with_its_block(store):
    with store.counting() as count:
        pass
    with store.write() as tx:
        tx.add_grant(a_grant())
    assert (count.statements, count.commits) == ([], 0)


def test_a_hot_statement_is_compiled_once(store):
    with store.write() as tx:
        tx.add_grant(a_grant())
    cache = store._engine._compiled_cache
    sizes = []
    for subjects in (SUBJECTS, SUBJECTS[:3], SUBJECTS[:1], SUBJECTS):
        with store.write() as tx:
            tx.rotate("handle-of-grant-1", 0, NOW, NOW, subjects)
        sizes.append(len(cache))
    assert len(set(sizes)) == 1


def test_no_value_is_shown_when_a_statement_fails(store):
    with store.write() as tx:
        tx.add_code(a_code("a-secret-digest"))
    with pytest.raises(IntegrityError) as failed, store.write() as tx:
        tx.add_code(a_code("a-secret-digest", code_challenge="a-secret-challenge"))
    shown = str(failed.value)
    assert "a-secret-challenge" not in shown
    assert "parameters hidden" in shown


@pytest.mark.parametrize("wanted", ["journal_mode", "synchronous", "foreign_keys"])
def test_sqlite_keeps_what_was_answered(sqlite_url, wanted):
    from authserver.storage.store import Store

    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    store = Store.open(sqlite_url)
    with store.read() as reads:
        assert reads._scalar(text(f"PRAGMA {wanted}"), {}) == expected[wanted]
    store.close()


def test_postgresql_transactions_re_read_what_they_waited_for_whatever_the_default(postgresql_url):
    from authserver.storage.store import Store

    store = Store.open(f"{postgresql_url}&options=-cdefault_transaction_isolation%3Dserializable")
    with store.read() as reads:
        assert reads._scalar(text("SHOW default_transaction_isolation"), {}) == "serializable"
    with store.write() as tx:
        assert tx._scalar(text("SHOW transaction_isolation"), {}) == "read committed"
    store.close()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_worker_has_connections_of_its_own(store):
    with store.write() as tx:
        tx.add_grant(a_grant())
    inherited = store._engine.pool
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with store.write() as tx:
                tx.bump_epoch("user:child")
            status = 0 if store._engine.pool is not inherited else 2
        except BaseException:  # noqa: BLE001 - the child must not go on as a second pytest
            traceback.print_exc()
        os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    with store.read() as reads:
        assert reads.epoch_sum(("user:child",)) == 1

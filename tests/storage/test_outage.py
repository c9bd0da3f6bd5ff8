"""When the database does not answer, whoever asks is told so within five seconds"""

import sqlite3
import time
from contextlib import closing, contextmanager

import psycopg
import pytest
from sqlalchemy import text

from authserver.storage import migrate
from authserver.storage.errors import StorageUnavailable
from authserver.storage.store import Store
from tests.storage.values import NOW, SUBJECTS, a_code, a_grant


@contextmanager
def _refused_in_time():
    started = time.monotonic()
    with pytest.raises(StorageUnavailable):
        yield
    assert time.monotonic() - started < 5


@contextmanager
def _locked(database_url):
    """Another process holds what a writer needs."""
    if database_url.startswith("sqlite"):
        path = database_url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
    else:
        with psycopg.connect(database_url) as other:
            other.execute("LOCK TABLE codes IN ACCESS EXCLUSIVE MODE")
            yield


def _spend(store):
    with store.write() as tx:
        return tx.spend_code("code-1", NOW, SUBJECTS)


def test_a_locked_database_is_unavailable_and_works_again_afterwards(database_url, store):
    with store.write() as tx:
        tx.add_code(a_code())
    with _locked(database_url), _refused_in_time():
        _spend(store)
    assert _spend(store) is True


def test_sqlite_readers_do_not_wait_for_a_writer(sqlite_url):
    with closing(Store.open(sqlite_url)) as store, _locked(sqlite_url), store.read() as reads:
        assert reads.code("code-1") is None


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://nobody@127.0.0.1:1/authserver",
        "postgresql://nobody@/authserver?host=/nonexistent",
        "sqlite:////nonexistent/authserver.db",
    ],
)
def test_a_database_that_is_not_there_is_unavailable(url):
    with closing(Store.open(url)) as store:
        for asking in (store.schema_is_current, lambda: _spend(store)):
            with _refused_in_time():
                asking()
        with _refused_in_time(), store.read() as reads:
            reads.code("code-1")


@pytest.mark.parametrize("asking", [migrate.status, migrate.upgrade])
def test_a_migration_of_a_database_that_is_not_there_is_unavailable(asking):
    with _refused_in_time():
        asking("postgresql://nobody@127.0.0.1:1/authserver")


def test_an_exhausted_pool_is_unavailable_and_recovers(store):
    taken = [store.read() for _ in range(20)]
    for each in taken:
        each.__enter__()
    with _refused_in_time(), store.read():
        pass
    for each in taken:
        each.__exit__(None, None, None)
    with store.read() as reads:
        assert reads.code("code-1") is None


def test_a_writer_that_waits_behind_a_stuck_one_is_refused(sqlite_url):
    with closing(Store.open(sqlite_url)) as store, store.write() as tx:
        tx.add_grant(a_grant())
        with _refused_in_time():
            _spend(store)


def test_a_connection_that_the_server_ended_is_replaced_unnoticed(postgresql_url):
    """A restart of the database costs nobody an error page."""
    with closing(Store.open(postgresql_url)) as store:
        with store.read() as reads:
            pid = reads._scalar(text("SELECT pg_backend_pid()"), {})
        with psycopg.connect(postgresql_url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 1000)", [pid])
        with store.read() as reads:
            assert reads._scalar(text("SELECT pg_backend_pid()"), {}) != pid


def test_a_connection_that_ends_inside_a_transaction_is_unavailable_and_writes_nothing(
    postgresql_url,
):
    def lose_the_connection(store):
        with store.write() as tx:
            tx.add_grant(a_grant())
            pid = tx._scalar(text("SELECT pg_backend_pid()"), {})
            with psycopg.connect(postgresql_url, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s, 1000)", [pid])
            tx.add_code(a_code())

    with closing(Store.open(postgresql_url)) as store:
        with _refused_in_time():
            lose_the_connection(store)
        with store.read() as reads:
            assert reads.grant("grant-1") is None


def test_a_statement_that_never_ends_is_stopped(postgresql_url):
    with closing(Store.open(postgresql_url)) as store, _refused_in_time(), store.write() as tx:
        tx._scalar(text("SELECT pg_sleep(60)"), {})

import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import NullPool, inspect, text

from authserver.storage import migrate
from authserver.storage.engine import create_sqlite_file, open_engine, parse_url
from authserver.storage.errors import UnusableUrl
from authserver.storage.store import Store
from authserver.storage.tables import metadata
from tests.processes import context
from tests.storage.values import a_client


def _connect(url):
    return open_engine(parse_url(url), isolation_level=None, poolclass=NullPool).connect()


def _execute(url, statement):
    with closing(Store.open(url)) as store, store.write() as tx:
        tx._execute(text(statement), {})


def _is_current(url):
    with closing(Store.open(url)) as store:
        return store.schema_is_current()


def test_an_empty_database_has_no_revision_and_is_not_current(empty_database_url):
    if empty_database_url.startswith("sqlite"):
        create_sqlite_file(parse_url(empty_database_url))
    assert migrate.status(empty_database_url) == (None, migrate.head())
    assert not _is_current(empty_database_url)


def test_a_migrated_database_is_current_and_serves(empty_database_url):
    migrate.upgrade(empty_database_url)
    assert migrate.status(empty_database_url) == (migrate.head(), migrate.head())
    store = Store.open(empty_database_url)
    assert store.schema_is_current()
    with store.write() as tx:
        tx.add_client(a_client())
    migrate.upgrade(empty_database_url)
    with store.read() as reads:
        assert reads.client("client-1") is not None
    store.close()


def test_the_tables_are_exactly_what_the_migrations_make(empty_database_url):
    migrate.upgrade(empty_database_url)
    with _connect(empty_database_url) as connection:
        command.check(migrate.config(connection))
        made = set(inspect(connection).get_table_names())
    assert made == {*metadata.tables, migrate.VERSION_TABLE}


def test_the_check_sees_a_table_that_no_migration_makes(empty_database_url):
    migrate.upgrade(empty_database_url)
    _execute(empty_database_url, "ALTER TABLE grants DROP COLUMN upstream_sid")
    with _connect(empty_database_url) as connection, pytest.raises(Exception, match="upstream_sid"):
        command.check(migrate.config(connection))


def test_a_migration_can_be_taken_back(empty_database_url):
    migrate.upgrade(empty_database_url)
    with _connect(empty_database_url) as connection:
        command.downgrade(migrate.config(connection), "base")
        connection.commit()
    with _connect(empty_database_url) as connection:
        assert set(inspect(connection).get_table_names()) == {migrate.VERSION_TABLE}


def test_the_schema_of_a_newer_version_is_left_alone_and_served(empty_database_url):
    migrate.upgrade(empty_database_url)
    _execute(empty_database_url, "UPDATE authserver_version SET version_num = '9999'")
    migrate.upgrade(empty_database_url)
    assert migrate.status(empty_database_url) == ("9999", migrate.head())
    assert _is_current(empty_database_url)


def test_columns_of_a_newer_version_disturb_nobody(store):
    with store.write() as tx:
        tx._execute(text("ALTER TABLE clients ADD COLUMN newer TEXT"), {})
    try:
        with store.write() as tx:
            tx.add_client(a_client())
            assert tx.client("client-1") == a_client()
    finally:
        with store.write() as tx:
            tx._execute(text("ALTER TABLE clients DROP COLUMN newer"), {})


def test_processes_that_start_together_on_an_empty_database_all_succeed(empty_database_url):
    together = context.Barrier(2)
    processes = [
        context.Process(target=_upgrade_together, args=(empty_database_url, together))
        for _ in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert migrate.status(empty_database_url) == (migrate.head(), migrate.head())


def _upgrade_together(url, together):
    together.wait(30)
    migrate.upgrade(url)
    sys.exit(0 if _is_current(url) else 3)


def test_a_migration_that_fails_leaves_nothing_behind(empty_database_url, monkeypatch):
    def fail(configured, _):
        connection = configured.attributes["connection"]
        connection.execute(text("CREATE TABLE half (id INTEGER)"))
        raise ZeroDivisionError

    monkeypatch.setattr(command, "upgrade", fail)
    with pytest.raises(ZeroDivisionError):
        migrate.upgrade(empty_database_url)
    with _connect(empty_database_url) as connection:
        assert inspect(connection).get_table_names() == []


def test_a_new_sqlite_file_is_its_owners_alone(empty_sqlite_url):
    migrate.upgrade(empty_sqlite_url)
    assert Path(empty_sqlite_url.removeprefix("sqlite:///")).stat().st_mode & 0o077 == 0


def test_no_database_is_made_where_the_folder_is_missing(tmp_path):
    """A volume that is not mounted: a new database there would have new keys and no users."""
    with pytest.raises(UnusableUrl, match="No such file or directory"):
        migrate.upgrade(f"sqlite:///{tmp_path / 'not-mounted' / 'authserver.db'}")
    assert not (tmp_path / "not-mounted").exists()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://db/authserver", "sqlite:/// or postgresql://"),
        ("sqlite://", "must be a file"),
        ("sqlite:///:memory:", "must be a file"),
        ("sqlite:///file:x?mode=memory&uri=true", "must be a file"),
        ("no url with a password", "cannot be read"),
        ("", "cannot be read"),
    ],
)
def test_a_url_that_names_no_usable_database_is_refused_and_not_repeated(url, said):
    for opening in (Store.open, migrate.upgrade, migrate.status):
        with pytest.raises(UnusableUrl, match=said) as refused:
            opening(url)
        assert "password" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["postgres://db/a", "postgresql://db/a", "postgresql+psycopg2://db/a"]
)
def test_every_spelling_of_postgresql_uses_the_one_driver(url):
    assert parse_url(url).drivername == "postgresql+psycopg"

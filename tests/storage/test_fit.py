"""A database that somebody else uses is left alone, and one that is not whole is not served"""

from contextlib import closing

import pytest
from sqlalchemy import inspect, text

from authserver.storage import migrate
from authserver.storage.engine import create_sqlite_file, parse_url
from authserver.storage.errors import StorageUnavailable, UnfitDatabase, UnusableUrl
from authserver.storage.store import Store

HOST = ("CREATE TABLE users (id INTEGER PRIMARY KEY, handle TEXT)", "CREATE TABLE posts (id TEXT)")


def execute(url, *statements):
    if url.startswith("sqlite"):
        create_sqlite_file(parse_url(url))
    with closing(Store.open(url)) as store, store.write() as tx:
        for statement in statements:
            tx._connection.execute(text(statement))


def tables(url):
    with closing(Store.open(url)) as store, store.read() as reads:
        return set(inspect(reads._connection).get_table_names())


def is_current(url):
    with closing(Store.open(url)) as store:
        return store.schema_is_current()


def check(url):
    with closing(Store.open(url)) as store:
        store.check_schema()


def test_a_host_that_uses_alembic_too_does_not_pass_for_a_newer_version(empty_database_url):
    execute(
        empty_database_url,
        "CREATE TABLE alembic_version (version_num TEXT)",
        "INSERT INTO alembic_version VALUES ('f00d')",
    )
    assert not is_current(empty_database_url)
    migrate.upgrade(empty_database_url)
    assert is_current(empty_database_url)
    check(empty_database_url)


def test_tables_by_our_names_that_are_not_ours_are_left_alone(empty_database_url):
    execute(empty_database_url, *HOST)
    with pytest.raises(UnfitDatabase, match="something else: it has tables named users, which"):
        migrate.upgrade(empty_database_url)
    assert tables(empty_database_url) == {"users", "posts"}


def test_a_schema_of_postgresql_is_a_place_of_its_own(empty_postgresql_url):
    execute(empty_postgresql_url, *HOST, "CREATE SCHEMA authserver")
    own = f"{empty_postgresql_url}&options=-csearch_path%3Dauthserver"
    migrate.upgrade(own)
    check(own)
    assert is_current(own)
    assert tables(empty_postgresql_url) == {"users", "posts"}


def test_a_host_with_other_tables_is_no_hindrance(empty_database_url):
    execute(empty_database_url, HOST[1])
    migrate.upgrade(empty_database_url)
    check(empty_database_url)


def test_an_unknown_version_without_our_tables_is_nobodys_newer_one(empty_database_url):
    execute(
        empty_database_url,
        "CREATE TABLE authserver_version (version_num TEXT)",
        "INSERT INTO authserver_version VALUES ('9999')",
    )
    assert not is_current(empty_database_url)
    with pytest.raises(UnfitDatabase, match="is at 9999 and lacks client_documents"):
        migrate.upgrade(empty_database_url)


@pytest.mark.parametrize(
    ("statement", "lacks"),
    [
        ("DROP TABLE consents", "lacks consents: restore"),
        ("ALTER TABLE grants DROP COLUMN upstream_sid", "lacks grants.upstream_sid: restore"),
    ],
)
def test_what_is_missing_is_named(empty_database_url, statement, lacks):
    migrate.upgrade(empty_database_url)
    check(empty_database_url)
    execute(empty_database_url, statement)
    with pytest.raises(UnfitDatabase, match=lacks):
        check(empty_database_url)


def test_a_file_that_is_no_database_is_named_and_kept(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"\xff\xd8\xff" * 1000)
    for opening in (migrate.upgrade, migrate.status):
        with pytest.raises(UnusableUrl, match=r"photo\.jpg is no SQLite database"):
            opening(f"sqlite:///{path}")
    assert path.read_bytes() == b"\xff\xd8\xff" * 1000


def test_a_database_that_is_damaged_is_named(migrated_sqlite, tmp_path):
    path = tmp_path / "authserver.db"
    path.write_bytes(migrated_sqlite.read_bytes()[:100] + b"\xff" * 50_000)
    for opening in (migrate.upgrade, migrate.status, check):
        with pytest.raises(StorageUnavailable, match=r"authserver\.db is damaged"):
            opening(f"sqlite:///{path}")

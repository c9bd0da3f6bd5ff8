"""Bringing a database to this version's schema, once, however many processes start together."""

import time
from functools import cache
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, NullPool, event, text

from authserver.assets import asset
from authserver.storage import fit
from authserver.storage.engine import (
    check_sqlite_file,
    create_sqlite_file,
    open_engine,
    parse_url,
    writing,
)
from authserver.storage.errors import StorageUnavailable, translated

VERSION_TABLE = "authserver_version"  # Alembic's own name is taken where a host uses Alembic
PATIENCE = 300  # seconds for another process's migration
_ADVISORY_LOCK = 0x6175_7468_7372_7672  # "authsrvr"


def upgrade(url: str) -> None:
    """Bring the database to this version's schema; a newer one is left alone.

    Raises `UnusableUrl`, `UnfitDatabase` or `StorageUnavailable`.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        create_sqlite_file(parsed)
        _upgrade_sqlite(parsed)
    else:
        _upgrade_postgresql(parsed)


def status(url: str) -> tuple[str | None, str]:
    """Return the database's revision, None for an empty one, and the newest revision we know."""
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        check_sqlite_file(parsed)
    engine = open_engine(parsed, poolclass=NullPool)
    with translated(parsed), engine.connect() as connection:
        return _revision(connection), head()


def is_current(connection: Connection) -> bool:
    """Say whether the schema is this version's, or one that only a newer version knows.

    A newer schema still serves this version, as schemas first grow and shrink a release later.
    """
    revision = _revision(connection)
    if revision is None or revision in _known():
        return revision == head()
    return not fit.missing(connection)


def check(connection: Connection) -> None:
    """Raise `UnfitDatabase` where a database at a revision lacks what that revision has."""
    fit.check(connection, _revision(connection))


def config(connection: Connection) -> Config:
    """Return Alembic's configuration for an open connection: no file, and no URL in it."""
    configured = Config()
    configured.set_main_option("script_location", str(asset("migrations")).replace("%", "%%"))
    configured.attributes["connection"] = connection
    return configured


@cache
def head() -> str:
    """Return the newest revision of this version."""
    found = _scripts().get_current_head()
    if found is None:
        raise RuntimeError("the installation carries no migrations")
    return found


@cache
def _known() -> frozenset[str]:
    return frozenset(script.revision for script in _scripts().walk_revisions())


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(asset("migrations")))


def _revision(connection: Connection) -> str | None:
    options = {"version_table": VERSION_TABLE}
    return MigrationContext.configure(connection, opts=options).get_current_revision()


def _is_to_upgrade(connection: Connection) -> bool:
    """Say whether there is something to do; raises `UnfitDatabase` where it is not ours to do."""
    revision = _revision(connection)
    if revision is None:
        fit.check_empty(connection)
    elif revision not in _known():
        fit.check(connection, revision)
    return not is_current(connection)


def _upgrade_sqlite(url: URL) -> None:
    """Migrate in one transaction: it holds the write lock from its BEGIN on."""
    engine = open_engine(url, poolclass=NullPool)
    event.listen(engine, "connect", _wait_for_writers)
    with translated(url), writing(engine).begin() as connection:
        if _is_to_upgrade(connection):
            command.upgrade(config(connection), "head")


def _wait_for_writers(connection: Any, _: object) -> None:  # noqa: ANN401 - the driver's connection
    connection.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000}")


def _upgrade_postgresql(url: URL) -> None:
    """Migrate under a lock of another session, so that a migration may commit in between."""
    guarding = open_engine(url, poolclass=NullPool)
    migrating = open_engine(url, poolclass=NullPool, isolation_level="READ COMMITTED")
    event.listen(migrating, "connect", _lift_statement_timeout)
    with translated(url), guarding.connect() as guard:
        _take_advisory_lock(guard)
        if _is_to_upgrade(guard):
            with migrating.connect() as connection:
                command.upgrade(config(connection), "head")


def _lift_statement_timeout(connection: Any, _: object) -> None:  # noqa: ANN401 - psycopg is optional
    # The lock timeout stays: behind a change of a table that waits, everybody would wait.
    connection.execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
    connection.commit()


def _take_advisory_lock(guard: Connection) -> None:
    """Take the lock that the end of this session releases; raises `StorageUnavailable`."""
    # Asking again and again: a session that waits inside pg_advisory_lock holds a snapshot, for
    # the end of which a CREATE INDEX CONCURRENTLY would wait, and both for ever.
    deadline = time.monotonic() + PATIENCE
    asking = text("SELECT pg_try_advisory_lock(:key)").bindparams(key=_ADVISORY_LOCK)
    while not guard.execute(asking).scalar():
        if time.monotonic() > deadline:
            raise StorageUnavailable("another process is still migrating the database")
        time.sleep(0.1)

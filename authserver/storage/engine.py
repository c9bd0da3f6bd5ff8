"""A pool of connections to SQLite or PostgreSQL, with every wait bounded.

Connections are in the driver's autocommit mode: a read is one round trip, and a write
transaction says BEGIN itself, with its first statement.
"""

import errno
import os
import select
import sqlite3
import time
import weakref
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from authserver.storage.errors import UnusableUrl

# Whoever waits, waits for one or two of these: at most five seconds in all.
_POOL_TIMEOUT = 2
_LOCK_TIMEOUT_MS = 2500
_STATEMENT_TIMEOUT_MS = 4500
_SQLITE_MAGIC = b"SQLite format 3\0"
_REMEDIES = {
    errno.ENOENT: "make the folder, or mount what should be there",
    errno.EISDIR: "name a file in [database] url",
}
_POSTGRESQL = {
    "connect_timeout": 2,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
}
# SQLite takes the write lock at once: two readers that both want to write would deadlock.
# PostgreSQL re-reads the row that a conditional UPDATE waited for only in READ COMMITTED,
# whatever the operator's default is.
_BEGIN = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "BEGIN ISOLATION LEVEL READ COMMITTED"}


def parse_url(url: str) -> URL:
    """Return the database URL with its driver; raises `UnusableUrl` without repeating it."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise UnusableUrl("the database URL cannot be read") from None
    if parsed.drivername == "postgres":
        parsed = parsed.set(drivername="postgresql")
    backend = parsed.drivername.partition("+")[0]
    if backend not in _BEGIN:
        raise UnusableUrl("the database URL must begin with sqlite:/// or postgresql://")
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if not parsed.database or parsed.database == ":memory:" or "mode" in parsed.query:
        raise UnusableUrl("an SQLite database must be a file: every worker opens it")
    return parsed


def open_engine(url: URL, **options: Any) -> Engine:  # noqa: ANN401 - handed on to create_engine
    """Return an engine that connects on first use, safe across a fork; raises `UnusableUrl`."""
    postgresql = url.get_backend_name() == "postgresql"
    try:
        engine = create_engine(
            url,
            hide_parameters=True,  # digests and seeds stay out of every traceback
            connect_args=_POSTGRESQL if postgresql else {},
            **{"isolation_level": "AUTOCOMMIT", **options},
        )
    except (ImportError, NoSuchModuleError):
        raise UnusableUrl("PostgreSQL needs a driver: install authserver[postgres]") from None
    event.listen(engine, "connect", _set_up_postgresql if postgresql else _set_up_sqlite)
    if postgresql:
        event.listen(engine, "checkout", _refuse_hung_up)
    _forget_after_fork(engine)
    return engine


def open_pool(url: URL) -> Engine:
    """Return the engine of a server: a pool that refuses after two seconds without a connection."""
    return open_engine(
        url, pool_size=10, max_overflow=10, pool_timeout=_POOL_TIMEOUT, pool_recycle=1800
    )


def writing(engine: Engine) -> Engine:
    """Return the same pool, with connections whose first statement begins a transaction."""
    writer = engine.execution_options()
    event.listen(writer, "begin", _begin)
    return writer


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(_BEGIN[connection.dialect.name])


def create_sqlite_file(url: URL) -> None:
    """Create the database file for its owner only, before SQLite makes it for everybody.

    Raises `UnusableUrl`: a folder that is missing may be a volume that is not mounted, and a new
    database in its place would have new keys and no users.
    """
    _open_sqlite_file(url, os.O_CREAT | os.O_RDWR)


def check_sqlite_file(url: URL) -> None:
    """Raise `UnusableUrl` where a database file cannot be written, or is no database."""
    _open_sqlite_file(url, os.O_RDWR)


def _open_sqlite_file(url: URL, flags: int) -> None:
    path = Path(str(url.database))
    try:
        with os.fdopen(os.open(path, flags, 0o600), "rb") as file:
            begins = file.read(len(_SQLITE_MAGIC))
    except OSError as error:
        said = error.strerror or type(error).__name__
        remedy = _REMEDIES.get(error.errno or 0, "let authserver write to it and its folder")
        raise UnusableUrl(f"the database {path} cannot be opened: {said}; {remedy}") from error
    if begins not in (b"", _SQLITE_MAGIC):
        raise UnusableUrl(f"{path} is no SQLite database: name another file in [database] url")
    if not os.access(path.parent, os.W_OK):
        raise UnusableUrl(f"let authserver write to the folder of {path}: a log is kept there")


def _set_up_sqlite(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.execute(f"PRAGMA busy_timeout = {_LOCK_TIMEOUT_MS}")
    _use_write_ahead_log(connection)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _use_write_ahead_log(connection: sqlite3.Connection, attempts: int = 50) -> None:
    """Switch the file to WAL; on a new file two processes may collide, without a busy timeout."""
    for attempt in range(1, attempts + 1):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if attempt == attempts:
                raise
            time.sleep(0.05)
        else:
            return


def _set_up_postgresql(connection: Any, _: ConnectionPoolEntry) -> None:  # noqa: ANN401 - psycopg is optional
    # Not start-up options: connection poolers refuse those.
    connection.execute(
        f"SET lock_timeout = {_LOCK_TIMEOUT_MS}; SET statement_timeout = {_STATEMENT_TIMEOUT_MS}; "
        "SET idle_in_transaction_session_timeout = 30000"
    )
    connection.commit()


def _refuse_hung_up(
    connection: Any,  # noqa: ANN401 - psycopg is optional
    _: ConnectionPoolEntry,
    __: PoolProxiedConnection,
) -> None:
    """Replace a connection that the server has ended (a restart), without a round trip to see it.

    An idle connection has nothing to read: if there is something, it is a farewell.
    """
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        raise DisconnectionError("the server ended the connection")


def _forget_after_fork(engine: Engine) -> None:
    """Leave the parent's connections to the parent: two processes must not share a socket."""
    reference = weakref.ref(engine)

    def forget() -> None:
        if (inherited := reference()) is not None:
            inherited.dispose(close=False)

    os.register_at_fork(after_in_child=forget)

"""What storage raises: the database is out of reach, or its address is no good."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, exc


class StorageUnavailable(Exception):
    """The database did not answer in time: down, locked, or no connection is free.

    Nothing is known to be written; the driver's words are in `__cause__`, for the log only.
    """


class UnusableUrl(ValueError):
    """The database URL names no database that this server can use."""


class UnfitDatabase(Exception):
    """The database is not ours, or not whole; the text says what to do and holds no secrets."""


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Turn what the driver says about an unreachable database into `StorageUnavailable`."""
    try:
        yield
    except exc.TimeoutError as error:
        raise StorageUnavailable("no connection to the database is free") from error
    except exc.DBAPIError as error:
        if _is_damage(error):
            said = "is damaged or no SQLite database: restore it from a backup"
            raise StorageUnavailable(f"{url.database} {said}") from error
        if not _is_outage(error):
            raise
        # Not where PostgreSQL is: that is nobody's business who reads this.
        place = f" ({url.database})" if url.get_backend_name() == "sqlite" else ""
        raise StorageUnavailable(f"the database does not answer{place}") from error


def _is_damage(error: exc.DBAPIError) -> bool:
    """Say whether SQLite found that the file is not what it should be."""
    primary = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    return primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _is_outage(error: exc.DBAPIError) -> bool:
    """Say whether it is the database's state and not our SQL: SQLite has one class for both."""
    if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
        return False
    return isinstance(error, exc.OperationalError) or error.connection_invalidated

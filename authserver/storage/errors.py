"""What storage raises: the database is out of reach, or its address is no good."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc


class StorageUnavailable(Exception):
    """The database did not answer in time: down, locked, or no connection is free.

    Nothing is known to be written; the driver's words are in `__cause__`, for the log only.
    """


class UnusableUrl(ValueError):
    """The database URL names no database that this server can use."""


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the driver says about an unreachable database into `StorageUnavailable`."""
    try:
        yield
    except exc.TimeoutError as error:
        raise StorageUnavailable("no connection to the database is free") from error
    except exc.DBAPIError as error:
        if not _is_outage(error):
            raise
        raise StorageUnavailable("the database does not answer") from error


def _is_outage(error: exc.DBAPIError) -> bool:
    """Say whether it is the database's state and not our SQL: SQLite has one class for both."""
    if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
        return False
    return isinstance(error, exc.OperationalError) or error.connection_invalidated

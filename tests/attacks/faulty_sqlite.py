"""A driver's connection that fails where a test says, as a full disk or a broken file does"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from authserver.storage.store import Store


class _Fault:
    """Where to fail: the statement that starts so, or COMMIT, before or after it took effect."""

    statement: str | None = None
    after_commit = False


class FaultyConnection(sqlite3.Connection):
    """An SQLite connection with one fault, shared by all."""

    fault = _Fault()

    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(factory or FaultyCursor)

    def commit(self) -> None:
        committing = self.in_transaction
        if committing and self.fault.statement == "COMMIT":
            raise _failure()
        super().commit()
        if committing and self.fault.after_commit:
            raise _failure()


class FaultyCursor(sqlite3.Cursor):
    """Fails at a statement."""

    def execute(self, sql: str, *parameters: Any) -> Any:
        fault = FaultyConnection.fault
        if fault.statement and sql.startswith(fault.statement):
            raise _failure()
        return super().execute(sql, *parameters)


def _failure() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    return error


def make_faulty(store: Store) -> None:
    """Let the store connect by `FaultyConnection` from now on."""

    @event.listens_for(store._engine, "do_connect")
    def connect(_: object, __: object, ___: object, parameters: dict[str, Any]) -> None:
        parameters["factory"] = FaultyConnection

    store._engine.dispose()


@contextmanager
def failing(statement: str | None = None, *, after_commit: bool = False) -> Iterator[None]:
    """Fail while the block runs."""
    fault = FaultyConnection.fault
    fault.statement, fault.after_commit = statement, after_commit
    try:
        yield
    finally:
        fault.statement, fault.after_commit = None, False

"""One connection and how a statement runs on it; the verbs of the other modules build on this."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    CursorResult,
    Executable,
    Insert,
    RowMapping,
    ScalarSelect,
    bindparam,
    cast,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from authserver.storage.tables import epochs

Parameters = Mapping[str, object]
PerDialect = Mapping[str, Insert]

SUBJECTS = ("subject_0", "subject_1", "subject_2", "subject_3")


def on_both(build: Callable[[Any], Insert]) -> PerDialect:
    """Build an INSERT … ON CONFLICT for each database, from its own `insert`."""
    return {"sqlite": build(sqlite.insert), "postgresql": build(postgresql.insert)}


def epoch_sum() -> ScalarSelect[int]:
    """Return today's sum of the epochs of the parameters that `subject_parameters` makes."""
    return epoch_sum_of([bindparam(name) for name in SUBJECTS])


def epoch_sum_of(subjects: Sequence[ColumnElement[str]]) -> ScalarSelect[int]:
    """Return today's sum of the epochs of these subjects, each counted once."""
    total = func.coalesce(func.sum(epochs.c.epoch), 0)
    named = epochs.c.subject.in_(subjects)
    return select(cast(total, BigInteger)).where(named).scalar_subquery()


def subject_parameters(subjects: Sequence[str]) -> dict[str, str]:
    """Return one to four subjects as the four parameters of the one statement that is cached."""
    if not 1 <= len(subjects) <= len(SUBJECTS):
        raise ValueError("one to four subjects have epochs at a time")
    padded = (*subjects, *(subjects[0],) * (len(SUBJECTS) - len(subjects)))
    return dict(zip(SUBJECTS, padded, strict=True))


class Connected:
    """A connection. `failed` says that a statement failed, so that nothing may be committed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.failed = False

    def _execute(
        self, statement: Executable | PerDialect, parameters: Parameters
    ) -> CursorResult[Any]:
        if isinstance(statement, Mapping):
            statement = statement[self._connection.dialect.name]
        try:
            return self._connection.execute(statement, parameters)
        except BaseException:
            self.failed = True
            raise

    def _row(self, statement: Executable | PerDialect, parameters: Parameters) -> RowMapping | None:
        return self._execute(statement, parameters).mappings().first()

    def _rows(self, statement: Executable, parameters: Parameters) -> Sequence[RowMapping]:
        return self._execute(statement, parameters).mappings().all()

    def _scalar(self, statement: Executable, parameters: Parameters) -> Any:  # noqa: ANN401 - the caller knows its column
        return self._execute(statement, parameters).scalar()

    def _changed(self, statement: Executable | PerDialect, parameters: Parameters) -> int:
        """Run a statement that writes; of an UPDATE or DELETE, return how many rows it touched."""
        return self._execute(statement, parameters).rowcount

"""Whether the tables of a database are ours: all of them, with every column, or none at all."""

from collections.abc import Sequence

from sqlalchemy import Connection, inspect

from authserver.storage.errors import UnfitDatabase
from authserver.storage.tables import metadata

_OWN = "give authserver a database, or a schema of PostgreSQL, of its own"


def missing(connection: Connection) -> Sequence[str]:
    """Return the tables and columns of this version that the database lacks; it may have more."""
    found = inspect(connection).get_multi_columns(filter_names=list(metadata.tables))
    columns = {table: {each["name"] for each in listed} for (_, table), listed in found.items()}
    return [
        f"{table.name}.{column.name}" if table.name in columns else table.name
        for table in metadata.sorted_tables
        for column in table.columns
        if column.name not in columns.get(table.name, ())
    ]


def check(connection: Connection, revision: str | None) -> None:
    """Raise `UnfitDatabase` where what a migrated database should have is missing."""
    lacks = missing(connection)
    if lacks:
        raise UnfitDatabase(
            f"the database is at {revision} and lacks {_listed(lacks)}: restore it from a backup"
        )


def check_empty(connection: Connection) -> None:
    """Raise `UnfitDatabase` where a database that we never migrated has tables by our names."""
    strangers = sorted(set(inspect(connection).get_table_names()) & set(metadata.tables))
    if strangers:
        raise UnfitDatabase(
            f"the database belongs to something else: it has tables named {_listed(strangers)}, "
            f"which authserver did not make; {_OWN}"
        )


def _listed(names: Sequence[str]) -> str:
    unique = list(dict.fromkeys(names))
    return ", ".join(unique[:5]) + (f" and {len(unique) - 5} more" if len(unique) > 5 else "")

"""Every place that somebody may read, and whether a secret is there"""

import dataclasses
import gc
import traceback
from collections.abc import Iterable, Iterator

from authserver.storage import tables
from tests.actors import Deployment


def said(error: BaseException | None) -> Iterator[str]:
    """Everything that a logger or error tracker could show of an exception and its contexts."""
    while error is not None:
        yield from (str(error), repr(error), repr(error.args), repr(vars(error)))
        yield "".join(traceback.format_exception(error))
        error = error.__cause__ or error.__context__


def dump(deployment: Deployment) -> Iterator[str]:
    """Return all that is in the database, as whoever steals a copy reads it."""
    with deployment.server.store.read() as reads:
        for table in tables.metadata.sorted_tables:
            for row in reads._rows(table.select(), {}):
                values = [v.hex() if isinstance(v, bytes) else str(v) for v in row.values()]
                yield " ".join(values)


def reprs() -> Iterator[str]:
    """Return the repr of every value of ours that is alive."""
    for each in gc.get_objects():
        module = str(type(each).__module__)
        if module.startswith("authserver") and dataclasses.is_dataclass(each):
            yield repr(each)


def found(secrets: set[str], texts: Iterable[str]) -> set[tuple[str, str]]:
    """Return which of the secrets stand in which of the texts, the beginning of both."""
    return {
        (secret[:16], text[:160])
        for text in texts
        for secret in secrets
        if len(secret) > 8 and secret in text
    }

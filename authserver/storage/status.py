"""The indexes of the status list, one for each root of tokens: Token Status List §4, §13.5

An entry stores the names of the counters that its root depends on and their sum, so that one query
finds which roots have ended.
"""

import secrets
from collections.abc import Sequence

from sqlalchemy import bindparam, func, or_, select, update

from authserver.oauth.status_list import MIN_SIZE
from authserver.storage import tables
from authserver.storage.connected import (
    SUBJECTS,
    Connected,
    epoch_sum_of,
    on_both,
    subject_parameters,
)

_entries, _grants = tables.status_entries, tables.grants
_ATTEMPTS = 5  # at each size: where that fails, the list is crowded and grows

_TAKE = on_both(lambda insert: insert(_entries).on_conflict_do_nothing().returning(_entries.c.idx))
_FIND = select(_entries.c.idx, _entries.c.renewed_at).where(_entries.c.root == bindparam("name"))
_RENEW = (
    update(_entries).where(_entries.c.root == bindparam("name")).values(renewed_at=bindparam("at"))
)
_LARGEST = select(func.coalesce(func.max(_entries.c.idx), 0))
_ENDED = (
    select(_entries.c.idx)
    .outerjoin(_grants, _grants.c.id == _entries.c.grant_id)
    .where(
        or_(
            _grants.c.revoked_at.is_not(None),
            _entries.c.epochs != epoch_sum_of([_entries.c[name] for name in SUBJECTS]),
        )
    )
    .order_by(_entries.c.idx)
)


class StatusReads(Connected):
    """Reading the list."""

    def status_entry(self, root: str) -> tuple[int, int] | None:
        """Return the index of a root, and when its newest token was issued, or about then."""
        row = self._row(_FIND, {"name": root})
        return None if row is None else (row["idx"], row["renewed_at"])

    def ended_indexes(self) -> Sequence[int]:
        """Return the indexes of roots that were revoked."""
        return self._execute(_ENDED, {}).scalars().all()

    def status_list_size(self) -> int:
        """Return how many bits the list has: a power of two that all indexes fit in."""
        return max(MIN_SIZE, 1 << int(self._scalar(_LARGEST, {})).bit_length())


class StatusWrites(StatusReads):
    """Giving out indexes."""

    def add_status_entry(
        self, root: str, subjects: Sequence[str], *, grant_id: str | None, epochs: int, now: int
    ) -> int:
        """Return the index of a root, a new random one where it has none."""
        size = MIN_SIZE
        row = {
            "root": root, "grant_id": grant_id, "epochs": epochs, "renewed_at": now,
            **subject_parameters(subjects),
        }  # fmt: skip
        while True:
            for _ in range(_ATTEMPTS):
                taken = self._row(_TAKE, {**row, "idx": secrets.randbelow(size)})
                if taken is not None:
                    return int(taken["idx"])
                found = self.status_entry(root)  # another request was first
                if found is not None:
                    return found[0]
            size *= 2

    def renew_status_entry(self, root: str, now: int) -> None:
        """Keep an index for as long as a token of today lives."""
        self._changed(_RENEW, {"name": root, "at": now})

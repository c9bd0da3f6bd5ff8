"""A store that holds signing keys only, with the rules of the real one, for long random lives"""

from contextlib import contextmanager
from dataclasses import replace


class MemoryStore:
    """What SigningKeys asks of a store, with a count; `alter` is a stranger in the database."""

    def __init__(self):
        self.rows = {}
        self.reads = 0
        self.writes = 0

    @contextmanager
    def read(self):
        self.reads += 1
        yield self

    @contextmanager
    def write(self):
        self.writes += 1
        yield self

    def signing_keys(self):
        return tuple(sorted(self.rows.values(), key=lambda row: row.sequence))

    def add_signing_key(self, row):
        taken = {each.sequence for each in self.rows.values()}
        if row.kid in self.rows or row.sequence in taken:
            return False
        self.rows[row.kid] = row
        return True

    def retire_signing_key(self, kid, *, retired_at, expires_at):
        if self.rows[kid].retired_at is not None:
            return False
        self.alter(kid, retired_at=retired_at, expires_at=expires_at)
        return True

    def reseal_signing_key(self, kid, *, old, new):
        if self.rows[kid].sealed != old:
            return False
        self.alter(kid, sealed=new)
        return True

    def delete_expired_signing_keys(self, now):
        expired = [
            row.kid for row in self.rows.values() if row.expires_at and row.expires_at <= now
        ]
        for kid in expired:
            del self.rows[kid]
        return len(expired)

    def alter(self, kid, /, **changes):
        row = replace(self.rows.pop(kid), **changes)
        self.rows[row.kid] = row

"""What a process can hold its own clock against"""

from sqlalchemy import func, select, text, union_all

from authserver.storage import tables
from authserver.storage.connected import Connected

_DATABASE_CLOCK = text("SELECT CAST(extract(epoch FROM clock_timestamp()) AS bigint)")
_written = union_all(
    *(
        select(func.max(column).label("moment"))
        for column in (
            tables.clients.c.registered_at,
            tables.grants.c.rotated_at,
            tables.pending_authorizations.c.created_at,
            tables.sessions.c.last_seen_at,
        )
    )
).subquery()
_NEWEST = select(func.max(_written.c.moment))


class MomentReads(Connected):
    """Reading other clocks than our own."""

    def database_clock(self) -> int | None:
        """Return PostgreSQL's time in epoch seconds; None for SQLite, which has ours."""
        if self._connection.dialect.name == "sqlite":
            return None
        return int(self._scalar(_DATABASE_CLOCK, {}))

    def newest_moment(self) -> int | None:
        """Return when a request last wrote something, in epoch seconds; None if none ever did."""
        found = self._scalar(_NEWEST, {})
        return None if found is None else int(found)

"""How many requests of a network are on their way, of whatever kind: OAuth 2.1 §4.1, RFC 9126"""

from typing import Any

from sqlalchemy import Select, Table, bindparam, select, union_all

from authserver.storage import tables
from authserver.storage.connected import Connected


def _of_network(table: Table) -> Select[Any]:
    found = select(table.c.expires_at).where(
        table.c.network_digest == bindparam("network_digest"),
        table.c.expires_at > bindparam("now"),
    )
    # A denial needs nobody who signed in: only an approval is a user's.
    return found.where(table.c.status != "approved") if "status" in table.c else found


_ON_THEIR_WAY = union_all(
    _of_network(tables.pending_authorizations),
    _of_network(tables.pushed_requests),
    _of_network(tables.device_authorizations),
).limit(bindparam("most"))


class OnTheirWayReads(Connected):
    """Counting requests that nobody has approved yet."""

    def on_their_way(self, network_digest: str, now: int, most: int) -> int:
        """Return how many requests of a network no user approved, counted up to `most`.

        Those that were denied count until their end: else whoever cancels could go on for ever.
        """
        parameters = {"network_digest": network_digest, "now": now, "most": most}
        return len(self._rows(_ON_THEIR_WAY, parameters))

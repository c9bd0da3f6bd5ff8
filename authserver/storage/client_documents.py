"""The newest document of each client that publishes itself: CIMD draft -01 §4.2"""

from dataclasses import dataclass, field

from sqlalchemy import bindparam, exists, select, update

from authserver.storage import documents, tables
from authserver.storage.connected import Connected, on_both
from authserver.storage.expiry import CLOCK_MARGIN

_documents, _grants = tables.client_documents, tables.grants

_FIND = select(_documents).where(_documents.c.client_id == bindparam("client_id"))
_KEEP = on_both(
    lambda insert: (
        (statement := insert(_documents))
        .on_conflict_do_update(
            index_elements=[_documents.c.client_id],
            set_={
                each: statement.excluded[each] for each in ("document", "fetched_at", "fresh_until")
            },
            where=(_documents.c.fetched_at <= statement.excluded.fetched_at)
            # A clock that was ahead must not keep out what is newer.
            | (_documents.c.fetched_at > statement.excluded.fetched_at + CLOCK_MARGIN),
        )
        .returning(_documents.c.client_id)
    )
)

_WITHDRAW = (
    update(_documents)
    .where(
        _documents.c.client_id == bindparam("withdrawn_id"),
        (_documents.c.fetched_at <= bindparam("asked_at"))
        | (_documents.c.fetched_at > bindparam("asked_at") + CLOCK_MARGIN),
    )
    .values(fetched_at=bindparam("asked_at"), fresh_until=0)
)
_HAS_LIVE_GRANT = select(
    exists().where(
        _grants.c.client_id == bindparam("client_id"),
        _grants.c.revoked_at.is_(None),
        _grants.c.expires_at > bindparam("now"),
        _grants.c.idle_expires_at > bindparam("now"),
    )
)


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document as it was fetched, and until when it is used without being fetched again."""

    client_id: str
    document: str = field(repr=False)
    fetched_at: int
    fresh_until: int

    def serves(self, now: int, *, longer: int = 0) -> bool:
        """Say whether it may be used, so many seconds longer than it is fresh.

        Never one that a clock wrote which was ahead, whatever it says of its end.
        """
        return self.fetched_at <= now + CLOCK_MARGIN and now < self.fresh_until + longer


class ClientDocumentReads(Connected):
    """Reading documents."""

    def client_document(self, client_id: str) -> StoredDocument | None:
        """Return the newest document of a client."""
        row = self._row(_FIND, {"client_id": client_id})
        return None if row is None else StoredDocument(**row)

    def has_live_grant(self, client_id: str, now: int) -> bool:
        """Say whether some user's grant to a client is good: strangers cannot make that so."""
        return bool(self._scalar(_HAS_LIVE_GRANT, {"client_id": client_id, "now": now}))


class ClientDocumentWrites(ClientDocumentReads):
    """Keeping documents."""

    def keep_client_document(self, document: StoredDocument) -> bool:
        """Keep a document in place of an older one; False where a newer one is there."""
        return self._row(_KEEP, documents.members(document)) is not None

    def withdraw_client_document(self, client_id: str, asked_at: int) -> None:
        """Let a document serve no longer; requests on their way still see who they are from.

        One that was asked for later stays.
        """
        self._changed(_WITHDRAW, {"withdrawn_id": client_id, "asked_at": asked_at})

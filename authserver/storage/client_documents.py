"""The newest document of each client that publishes itself: CIMD draft -01 §4.2"""

from dataclasses import dataclass, field

from sqlalchemy import bindparam, select

from authserver.storage import documents, tables
from authserver.storage.connected import Connected, on_both

_documents = tables.client_documents

_FIND = select(_documents).where(_documents.c.client_id == bindparam("client_id"))
_KEEP = on_both(
    lambda insert: (
        (statement := insert(_documents))
        .on_conflict_do_update(
            index_elements=[_documents.c.client_id],
            set_={
                each: statement.excluded[each] for each in ("document", "fetched_at", "fresh_until")
            },
            where=_documents.c.fetched_at <= statement.excluded.fetched_at,
        )
        .returning(_documents.c.client_id)
    )
)


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document as it was fetched, and until when it is used without being fetched again."""

    client_id: str
    document: str = field(repr=False)
    fetched_at: int
    fresh_until: int


class ClientDocumentReads(Connected):
    """Reading documents."""

    def client_document(self, client_id: str) -> StoredDocument | None:
        """Return the newest document of a client."""
        row = self._row(_FIND, {"client_id": client_id})
        return None if row is None else StoredDocument(**row)


class ClientDocumentWrites(ClientDocumentReads):
    """Keeping documents."""

    def keep_client_document(self, document: StoredDocument) -> bool:
        """Keep a document in place of an older one; False where a newer one is there."""
        return self._row(_KEEP, documents.members(document)) is not None

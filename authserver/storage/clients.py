"""Registered clients, as one document each: RFC 7591 §2"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select

from authserver.oauth import epoch
from authserver.oauth.client import Client
from authserver.storage import documents, tables
from authserver.storage.connected import Connected, on_both
from authserver.storage.epochs import EpochWrites

_NOT_REGISTERED = ("further_secret_digests", "keys", "resources")  # of clients of the configuration
_COLUMNS = ("client_id", "secret_digest", "registered_at", "preregistered")

_clients, _consents, _assertions = tables.clients, tables.consents, tables.spent_assertions
_FIND = select(_clients).where(_clients.c.client_id == bindparam("client_id"))
_COUNT = select(func.count()).select_from(_clients)
_ADD = insert(_clients)
_SPEND_ASSERTION = on_both(
    lambda insert: (
        insert(_assertions)
        .on_conflict_do_nothing(index_elements=[_assertions.c.digest])
        .returning(_assertions.c.digest)
    )
)
_DELETE = delete(_clients).where(_clients.c.client_id == bindparam("client_id"))
_FORGET_CONSENTS = delete(_consents).where(_consents.c.client_id == bindparam("client_id"))


class ClientReads(Connected):
    """Reading clients."""

    def client(self, client_id: str) -> Client | None:
        """Return a client."""
        row = self._row(_FIND, {"client_id": client_id})
        return None if row is None else _client(row)

    def client_count(self) -> int:
        """Return how many clients are registered."""
        return int(self._scalar(_COUNT, {}))


class ClientWrites(EpochWrites):
    """Registering and removing clients."""

    def add_client(self, client: Client) -> None:
        """Register a client."""
        document = documents.members(client)
        for name in _NOT_REGISTERED:
            del document[name]
        columns = {name: document.pop(name) for name in _COLUMNS}
        self._changed(_ADD, {**columns, "document": documents.dump(document)})

    def spend_assertion(self, digest: str, expires_at: int) -> bool:
        """Take an assertion of a client once; False where it was taken before."""
        row = {"digest": digest, "expires_at": expires_at}
        return self._row(_SPEND_ASSERTION, row) is not None

    def delete_client(self, client_id: str) -> bool:
        """Remove a client, what users decided about it, and everything issued to it."""
        self.bump_epoch(epoch.client(client_id))
        self._changed(_FORGET_CONSENTS, {"client_id": client_id})
        return self._changed(_DELETE, {"client_id": client_id}) == 1


def _client(row: Mapping[Any, Any]) -> Client:
    document = documents.load(row["document"], Client)
    return Client(**{**document, **{name: row[name] for name in _COLUMNS}})

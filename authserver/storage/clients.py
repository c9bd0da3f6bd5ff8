"""Registered clients, as one document each: RFC 7591 §2"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update

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
_KEEP = on_both(
    lambda insert: insert(_clients).on_conflict_do_nothing(index_elements=[_clients.c.client_id])
)
_RENEW = on_both(
    lambda insert: (statement := insert(_clients)).on_conflict_do_update(
        index_elements=[_clients.c.client_id],
        set_={"registered_at": statement.excluded.registered_at},
        where=(_clients.c.registered_at < statement.excluded.registered_at)
        & _clients.c.blocked_at.is_(None),
    )
)
_BLOCK = on_both(
    lambda insert: (statement := insert(_clients)).on_conflict_do_update(
        index_elements=[_clients.c.client_id],
        # Who holds its registration token may be why it is blocked.
        set_={"blocked_at": statement.excluded.blocked_at, "registration_token_digest": None},
    )
)
_UNBLOCK = (
    update(_clients)
    .where(_clients.c.client_id == bindparam("blocked_id"), _clients.c.blocked_at.is_not(None))
    .values(blocked_at=None)
)
_SPEND_ASSERTION = on_both(
    lambda insert: (
        insert(_assertions)
        .on_conflict_do_nothing(index_elements=[_assertions.c.digest])
        .returning(_assertions.c.digest)
    )
)
_FIND_MANAGED = _FIND.where(
    _clients.c.registration_token_digest == bindparam("token_digest"),
    _clients.c.blocked_at.is_(None),
)
_IS_MANAGED = (
    _clients.c.client_id == bindparam("managed_id"),
    _clients.c.registration_token_digest == bindparam("token_digest"),
    _clients.c.blocked_at.is_(None),
)
_UPDATE = (
    update(_clients)
    .where(*_IS_MANAGED)
    .values(document=bindparam("new_document"), registration_token_digest=bindparam("new_digest"))
)
_DELETE_MANAGED = delete(_clients).where(*_IS_MANAGED)
_DELETE = delete(_clients).where(_clients.c.client_id == bindparam("client_id"))
_FORGET_CONSENTS = delete(_consents).where(_consents.c.client_id == bindparam("client_id"))


@dataclass(frozen=True, slots=True)
class Registration:
    """A client as it is stored, and whether the operator blocked it."""

    client: Client
    blocked: bool


class ClientReads(Connected):
    """Reading clients."""

    def client(self, client_id: str) -> Client | None:
        """Return a client, None where there is none or it is blocked."""
        found = self.registration(client_id)
        return None if found is None or found.blocked else found.client

    def registration(self, client_id: str) -> Registration | None:
        """Return a client with what the operator decided about it."""
        row = self._row(_FIND, {"client_id": client_id})
        return None if row is None else Registration(_client(row), row["blocked_at"] is not None)

    def managed_client(self, client_id: str, token_digest: str) -> Client | None:
        """Return the client whose registration token this is, None where it is blocked too."""
        row = self._row(_FIND_MANAGED, {"client_id": client_id, "token_digest": token_digest})
        return None if row is None else _client(row)

    def client_count(self) -> int:
        """Return how many clients are registered."""
        return int(self._scalar(_COUNT, {}))


class ClientWrites(ClientReads, EpochWrites):
    """Registering and removing clients."""

    def add_client(self, client: Client, token_digest: str | None = None) -> None:
        """Register a client, with the digest of the token by which it changes that."""
        self._changed(_ADD, {**_columns(client), "registration_token_digest": token_digest})

    def update_client(self, client: Client, token_digest: str, new_digest: str) -> bool:
        """Replace what a client registered, and its token; False where that was used before."""
        parameters = {
            "managed_id": client.client_id,
            "token_digest": token_digest,
            "new_document": _columns(client)["document"],
            "new_digest": new_digest,
        }
        return self._changed(_UPDATE, parameters) == 1

    def delete_managed_client(self, client_id: str, token_digest: str) -> bool:
        """Remove a client by its own token, as `delete_client`; False where that is none of now."""
        parameters = {"managed_id": client_id, "token_digest": token_digest}
        if self._changed(_DELETE_MANAGED, parameters) != 1:
            return False
        self._end(client_id)
        return True

    def keep_client(self, client: Client) -> None:
        """Register a client whose id may be there already: then it stays what it is."""
        self._changed(_KEEP, _columns(client))

    def renew_client(self, client: Client) -> Registration | None:
        """Register a client that others may have registered: then only its age is new."""
        self._changed(_RENEW, _columns(client))
        return self.registration(client.client_id)

    def block_client(self, client: Client, now: int) -> None:
        """Block a client, stored or not: end everything issued to it, and let it do nothing."""
        self._changed(_BLOCK, {**_columns(client), "blocked_at": now})
        self._end(client.client_id)

    def unblock_client(self, client_id: str) -> bool:
        """Let a blocked client begin anew; False where it is not blocked."""
        return self._changed(_UNBLOCK, {"blocked_id": client_id}) == 1

    def spend_assertion(self, digest: str, expires_at: int) -> bool:
        """Take an assertion or a proof of possession once; False where it was taken before."""
        row = {"digest": digest, "expires_at": expires_at}
        return self._row(_SPEND_ASSERTION, row) is not None

    def delete_client(self, client_id: str) -> bool:
        """Remove a client, what users decided about it, and everything issued to it."""
        found = self._changed(_DELETE, {"client_id": client_id}) == 1
        self._end(client_id)
        return found

    def _end(self, client_id: str) -> None:
        """End what a client has, after its row is locked: two that end it take turns by that."""
        self.bump_epoch(epoch.client(client_id))
        self._changed(_FORGET_CONSENTS, {"client_id": client_id})


def _columns(client: Client) -> dict[str, object]:
    document = documents.members(client)
    for name in _NOT_REGISTERED:
        del document[name]
    columns = {name: document.pop(name) for name in _COLUMNS}
    return {**columns, "document": documents.dump(document)}


def _client(row: Mapping[Any, Any]) -> Client:
    document = documents.load(row["document"], Client)
    return Client(**{**document, **{name: row[name] for name in _COLUMNS}})

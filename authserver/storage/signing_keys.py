"""Signing keys as they are stored: sealed, numbered, with the dates of their life: RFC 7517"""

from dataclasses import dataclass, field

from sqlalchemy import bindparam, delete, select, update

from authserver.storage import documents, tables
from authserver.storage.connected import Connected, on_both


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A sealed private key.

    It is published from `created_at`, signs from `active_at`, signs no more from `retired_at`
    (its successor's `active_at`), and leaves the JWKS at `expires_at`. `sequence` counts keys.
    """

    kid: str
    sequence: int
    alg: str
    sealed: str = field(repr=False)
    created_at: int
    active_at: int
    retired_at: int | None = None
    expires_at: int | None = None


_keys = tables.signing_keys
_ALL = select(_keys).order_by(_keys.c.sequence)
_ADD = on_both(lambda insert: insert(_keys).on_conflict_do_nothing().returning(_keys.c.kid))
_RETIRE = (
    update(_keys)
    .where(_keys.c.kid == bindparam("key_id"), _keys.c.retired_at.is_(None))
    .values(retired_at=bindparam("retired"), expires_at=bindparam("expires"))
)
_RESEAL = (
    update(_keys)
    .where(_keys.c.kid == bindparam("key_id"), _keys.c.sealed == bindparam("old"))
    .values(sealed=bindparam("new"))
)
_DELETE_EXPIRED = delete(_keys).where(_keys.c.expires_at <= bindparam("now"))


class SigningKeyReads(Connected):
    """Reading signing keys."""

    def signing_keys(self) -> tuple[StoredKey, ...]:
        """Return every key, the oldest first."""
        return tuple(StoredKey(**row) for row in self._rows(_ALL, {}))


class SigningKeyWrites(Connected):
    """The life of a signing key."""

    def add_signing_key(self, key: StoredKey) -> bool:
        """Store a key; False where another worker has taken its place in the sequence."""
        return self._row(_ADD, documents.members(key)) is not None

    def retire_signing_key(self, kid: str, *, retired_at: int, expires_at: int) -> bool:
        """Set when a key stops signing and when it leaves the JWKS; False where that is set."""
        parameters = {"key_id": kid, "retired": retired_at, "expires": expires_at}
        return self._changed(_RETIRE, parameters) == 1

    def reseal_signing_key(self, kid: str, *, old: str, new: str) -> bool:
        """Replace the sealed key; False where it is no longer `old`."""
        return self._changed(_RESEAL, {"key_id": kid, "old": old, "new": new}) == 1

    def delete_expired_signing_keys(self, now: int) -> int:
        """Forget the keys that have left the JWKS, and return how many."""
        return self._changed(_DELETE_EXPIRED, {"now": now})

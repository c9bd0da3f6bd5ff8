"""The vault: a user's upstream tokens for one resource, each sealed to its column and row.

Who refreshes them holds the row's lease, so that no two instances spend one refresh token:
RFC 6749 §6, RFC 9700 §4.14.2.
"""

from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Update, bindparam, delete, or_, select, union, update

from authserver.oauth import epoch
from authserver.storage import documents, tables
from authserver.storage.connected import Connected, on_both
from authserver.storage.epochs import EpochWrites

_tokens, _grants, _codes = tables.upstream_tokens, tables.grants, tables.codes
_COLUMNS = tuple(column.name for column in _tokens.c if not column.primary_key)
_NOW: ColumnElement[int] = bindparam("now", type_=_tokens.c.obtained_at.type)


@dataclass(frozen=True, slots=True)
class StoredTokens:
    """A row of the vault; `digest` is of the user, the identity upstream and the resource.

    `requested_scope` is what was asked for, `scope` what was given. `obtained_at` is the sign-in
    that they came from, `upstream_client_id` our client id there at that time.
    """

    digest: str
    sub: str
    upstream_issuer: str
    upstream_subject: str
    resource: str
    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    id_token: str | None = field(repr=False)
    scope: tuple[str, ...]
    requested_scope: tuple[str, ...]
    expires_at: int | None
    upstream_client_id: str
    obtained_at: int
    lease: str | None = field(default=None, repr=False)
    lease_expires_at: int | None = None


def _held(*changed: str) -> Update:
    """Return the statement with which the holder of the lease changes the row and gives it back."""
    return (
        update(_tokens)
        .where(_tokens.c.digest == bindparam("row"), _tokens.c.lease == bindparam("mine"))
        .values({name: bindparam(f"new_{name}") for name in changed})
    )


_FIND = select(_tokens).where(_tokens.c.digest == bindparam("digest"))
_KEEP = on_both(
    lambda insert: (statement := insert(_tokens)).on_conflict_do_update(
        index_elements=[_tokens.c.digest],
        set_={name: statement.excluded[name] for name in _COLUMNS},
    )
)
_TAKE = (
    update(_tokens)
    .where(
        _tokens.c.digest == bindparam("row"),
        _tokens.c.access_token == bindparam("seen_access_token"),
        _tokens.c.refresh_token == bindparam("seen_refresh_token"),
        or_(_tokens.c.lease.is_(None), _tokens.c.lease_expires_at <= _NOW),
    )
    .values(lease=bindparam("mine"), lease_expires_at=bindparam("until"))
)
_REFRESH = _held("access_token", "refresh_token", "scope", "expires_at")
_CONFIRM = _held("expires_at", "id_token", "lease", "lease_expires_at")
_RELEASE = _held("lease", "lease_expires_at")
_FORGET = delete(_tokens).where(
    _tokens.c.digest == bindparam("row"), _tokens.c.lease == bindparam("mine")
)
_FORGET_SEEN = delete(_tokens).where(
    _tokens.c.digest == bindparam("row"), _tokens.c.access_token == bindparam("seen_access_token")
)
_FORGET_OTHERS = delete(_tokens).where(
    _tokens.c.resource.not_in(bindparam("resources", expanding=True))
)
_DEPENDENT = union(
    *(
        select(table.c.client_id).where(
            table.c.sub == bindparam("sub"),
            table.c.resource == bindparam("resource"),
            table.c.expires_at > _NOW,
            unended,
        )
        for table, unended in (
            (_grants, _grants.c.revoked_at.is_(None)),
            (_codes, _codes.c.spent_at.is_(None)),
        )
    )
)


class VaultReads(Connected):
    """Reading the vault."""

    def upstream_tokens(self, digest: str) -> StoredTokens | None:
        """Return the tokens of a user for a resource, as they are sealed."""
        row = self._row(_FIND, {"digest": digest})
        return None if row is None else StoredTokens(**row)


class VaultWrites(EpochWrites):
    """Keeping, refreshing and forgetting upstream tokens."""

    def keep_upstream_tokens(self, tokens: StoredTokens) -> None:
        """Store what a sign-in gave; it replaces the row, and whoever refreshes the old one loses.

        Their lease is gone, and their answer is of an authorization that is superseded.
        """
        self._changed(_KEEP, documents.members(tokens))

    def take_lease(self, seen: StoredTokens, lease: str, until: int, now: int) -> bool:
        """Take the right to refresh; False where another holds it or the tokens are others now."""
        parameters = {
            "row": seen.digest, "seen_access_token": seen.access_token,
            "seen_refresh_token": seen.refresh_token, "mine": lease, "until": until, "now": now,
        }  # fmt: skip
        return self._changed(_TAKE, parameters) == 1

    def store_refreshed(
        self,
        digest: str,
        lease: str,
        *,
        access_token: str,
        refresh_token: str,
        scope: tuple[str, ...],
        expires_at: int | None,
    ) -> bool:
        """Store rotated tokens and keep the lease; False where it was lost."""
        parameters = {
            "row": digest, "mine": lease, "new_access_token": access_token,
            "new_refresh_token": refresh_token, "new_scope": scope, "new_expires_at": expires_at,
        }  # fmt: skip
        return self._changed(_REFRESH, parameters) == 1

    def confirm_refreshed(
        self, digest: str, lease: str, *, id_token: str | None, expires_at: int | None
    ) -> bool:
        """Let the stored tokens be used, and give the lease back; False where it was lost."""
        parameters = {
            "row": digest, "mine": lease, "new_id_token": id_token, "new_expires_at": expires_at,
            "new_lease": None, "new_lease_expires_at": None,
        }  # fmt: skip
        return self._changed(_CONFIRM, parameters) == 1

    def release_lease(self, digest: str, lease: str) -> bool:
        """Give the lease back, with the tokens as they are."""
        nobody = {"new_lease": None, "new_lease_expires_at": None}
        return self._changed(_RELEASE, {"row": digest, "mine": lease, **nobody}) == 1

    def forget_upstream_tokens(self, digest: str, lease: str) -> bool:
        """Delete tokens that the upstream refused to refresh; False where the lease was lost."""
        return self._changed(_FORGET, {"row": digest, "mine": lease}) == 1

    def forget_seen_tokens(self, digest: str, access_token: str) -> bool:
        """Delete tokens that can only be used up; False where the row holds others by now."""
        parameters = {"row": digest, "seen_access_token": access_token}
        return self._changed(_FORGET_SEEN, parameters) == 1

    def forget_upstream_tokens_but(self, resources: tuple[str, ...]) -> int:
        """Delete the tokens for all resources but these, and return how many rows."""
        return self._changed(_FORGET_OTHERS, {"resources": list(resources)})

    def end_dependent_grants(self, sub: str, resource: str, now: int) -> int:
        """End what clients hold for a user at a resource, codes too; return of how many clients."""
        parameters = {"sub": sub, "resource": resource, "now": now}
        clients = [str(row["client_id"]) for row in self._rows(_DEPENDENT, parameters)]
        for client_id in clients:
            self.bump_epoch(epoch.consent(sub, client_id, resource))
        return len(clients)

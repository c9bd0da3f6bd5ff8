"""A user's upstream tokens for one resource: kept at sign-in, found and opened later"""

import hashlib
import json
import logging
from dataclasses import dataclass, field

from authserver.app import AuthServer
from authserver.oauth.resource import Resource
from authserver.oauth.user import User
from authserver.sealing import Damaged
from authserver.storage.errors import StorageUnavailable
from authserver.storage.sealed_values import VAULT_COLUMNS, VaultColumn
from authserver.storage.store import Reads, Transaction
from authserver.storage.vault import StoredTokens
from authserver.upstream import authorization_request
from authserver.upstream.token_request import Tokens

logger = logging.getLogger("authserver")

_ASSUMED_LIFETIME = 3600  # of a token that can be refreshed and does not say when it has to be
FRESHNESS = 60  # seconds that a token which is handed out is good for at least


@dataclass(frozen=True, slots=True)
class HeldTokens:
    """A row of the vault, opened; `stored` is the row as it was read."""

    stored: StoredTokens = field(repr=False)
    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    id_token: str | None = field(repr=False)

    def is_valid(self, now: int, seconds: int = 0) -> bool:
        """Say whether the access token is good for so long; one without an end always is."""
        expires_at = self.stored.expires_at
        return expires_at is None or now + seconds < expires_at

    def can_refresh(self, client_id: str) -> bool:
        """Say whether there is a refresh token, of the client that we are upstream now."""
        return self.refresh_token is not None and self.stored.upstream_client_id == client_id


def find(server: AuthServer, reads: Reads, user: User, resource: Resource) -> HeldTokens | None:
    """Return a user's tokens for a resource; None where there are none or they are damaged.

    What an old key sealed, or nobody, is sealed anew. Raises UnknownKey.
    """
    stored = reads.upstream_tokens(_digest(user, resource))
    if stored is None:
        return None
    opened = {column: _open(server, stored, column) for column in VAULT_COLUMNS}
    access_token, refresh_token = opened["access_token"], opened["refresh_token"]
    if access_token is None or (refresh_token is None and stored.refresh_token is not None):
        return None
    _seal_anew(server, stored, opened)
    return HeldTokens(stored, access_token, refresh_token, opened["id_token"])


def keep(
    server: AuthServer, tx: Transaction, user: User, resource: Resource, tokens: Tokens, now: int
) -> None:
    """Keep what a sign-in for a resource gave; it replaces what there was.

    To be called when all of it is verified: before, nobody knows whose tokens they are.
    """
    digest = _digest(user, resource)
    requested = authorization_request.scopes(server.settings.upstream, resource.kept_scopes)
    values: dict[VaultColumn, str | None] = {
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "id_token": tokens.id_token,
    }
    sealed = {column: seal(server, value, column, digest) for column, value in values.items()}
    tx.keep_upstream_tokens(
        StoredTokens(
            digest=digest,
            sub=user.sub,
            upstream_issuer=user.upstream_issuer,
            upstream_subject=user.upstream_subject,
            resource=resource.url,
            access_token=str(sealed["access_token"]),
            refresh_token=sealed["refresh_token"],
            id_token=sealed["id_token"],
            # RFC 6749 §5.1: who says nothing gave what was asked for.
            scope=requested if tokens.scope is None else tokens.scope,
            requested_scope=requested,
            expires_at=expiry(tokens, now, refreshable=tokens.refresh_token is not None),
            upstream_client_id=server.settings.upstream.client_id,
            obtained_at=now,
        )
    )


def expiry(tokens: Tokens, now: int, *, refreshable: bool) -> int | None:
    """Return when the access token ends; None where nobody says and nothing can be done."""
    if tokens.expires_in is not None:
        return now + tokens.expires_in
    return now + _ASSUMED_LIFETIME if refreshable else None


def seal(server: AuthServer, value: str | None, column: VaultColumn, digest: str) -> str | None:
    """Return a value sealed to its place, None for none."""
    return None if value is None else server.vault_cipher.seal(value, column, digest)


def _digest(user: User, resource: Resource) -> str:
    key = [user.sub, user.upstream_issuer, user.upstream_subject, resource.url]
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()


def _open(server: AuthServer, stored: StoredTokens, column: VaultColumn) -> str | None:
    sealed: str | None = getattr(stored, column)
    if sealed is None:
        return None
    try:
        return server.vault_cipher.open(sealed, column, stored.digest)
    except Damaged:
        # Without the value, and without a trace that could show it.
        logger.error("%s of the vault's row %s is damaged", column, stored.digest)  # noqa: TRY400
        return None


def _seal_anew(
    server: AuthServer, stored: StoredTokens, opened: dict[VaultColumn, str | None]
) -> None:
    cipher, digest = server.vault_cipher, stored.digest
    due = [
        (column, old, cipher.seal(value, column, digest))
        for column, value in opened.items()
        if value is not None and not cipher.is_current(old := str(getattr(stored, column)))
    ]
    if not due:
        return
    try:
        with server.store.write() as tx:
            for column, old, new in due:
                tx.reseal_vault_value(digest, column, old=old, new=new)
    except StorageUnavailable:
        logger.warning("the vault's row %s is sealed anew when it is read again", digest)

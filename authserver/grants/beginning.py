"""How a grant begins, whichever way its user approved it: OAuth 2.1 §4.3, RFC 7009 §2.1."""

import secrets
from dataclasses import replace

from authserver.app import AuthServer
from authserver.oauth import anchor
from authserver.oauth.grant import Authorization, Grant
from authserver.storage.store import Transaction


def begin(
    server: AuthServer,
    tx: Transaction,
    proven: Authorization,
    *,
    epochs: int,
    upstream_sid: str | None,
    jkt: str | None,
    now: int,
) -> Grant:
    """Store the grant of what was just spent, and return it; `jkt` is the key that was proved."""
    grant = _new_grant(server, proven, epochs, now)
    grant = replace(grant, upstream_sid=upstream_sid, dpop_jkt=jkt)
    grant = replace(grant, status_index=_status_index(server, tx, grant, now))
    tx.add_grant(grant)
    return grant


def _new_grant(server: AuthServer, proven: Authorization, epochs: int, now: int) -> Grant:
    tokens = server.settings.tokens
    return Grant(
        id=str(proven.anchor.grant_id),
        handle=secrets.token_hex(16),
        client_id=proven.client_id,
        sub=proven.sub,
        resource=proven.resource,
        scope=proven.scope,
        auth_time=now if proven.auth_time is None else proven.auth_time,
        seed=secrets.token_bytes(32),
        generation=0,
        rotated_at=now,
        created_at=now,
        expires_at=now + tokens.refresh_absolute_lifetime,
        idle_expires_at=now + tokens.refresh_idle_lifetime,
        epochs=epochs,
        refresh_kid=server.refresh_keys.current,
    )


def _status_index(server: AuthServer, tx: Transaction, grant: Grant, now: int) -> int | None:
    """Give the grant its bit on the status list, whichever resource its tokens will be for."""
    if not server.settings.has_status_list:
        return None
    return tx.add_status_entry(
        anchor.of_grant(grant.id),
        grant.epoch_subjects,
        grant_id=grant.id,
        epochs=grant.epochs,
        now=now,
    )

"""The authorization code grant: OAuth 2.1 §4.1.3, RFC 7636 §4.6."""

import secrets
from dataclasses import replace

from authserver.app import AuthServer
from authserver.grants import Proof
from authserver.oauth import anchor, pkce
from authserver.oauth.client import Client
from authserver.oauth.errors import OAuthError
from authserver.oauth.grant import Code, Grant
from authserver.oauth.opaque import digest
from authserver.oauth.params import Params
from authserver.storage.store import Reads, Transaction

HONEST_REPEAT = 5  # seconds in which a second valid redemption is a double submit, not a theft


def prove(server: AuthServer, reads: Reads, client: Client, params: Params, now: int) -> Proof:
    """Prove a code: known, this client's, with its verifier and redirect URI; reads only."""
    code, user = reads.code_and_user(digest(params.require("code"))) or (None, None)
    code_verifier = params.require("code_verifier")
    if code is None:
        raise _refused("unknown_code")
    if code.client_id != client.client_id:
        raise _refused("code_of_another_client")
    pkce.check_verifier(code_verifier, code.code_challenge)
    if params.get("redirect_uri") not in (None, code.redirect_uri):
        raise _refused("redirect_uri_differs")
    if code.spent_at is None and now >= code.expires_at:
        raise _refused("code_expired")
    if user is None:
        raise _refused("user_gone")

    def spend(tx: Transaction, jkt: str | None) -> Grant:
        if not tx.spend_code(code.digest, now, code.epoch_subjects):
            raise _replayed(tx, code, now)
        grant = _new_grant(server, code, jkt, now)
        grant = replace(grant, status_index=_status_index(server, tx, grant, now))
        tx.add_grant(grant)
        return grant

    return Proof(code.authorization(), spend, user)


def _replayed(tx: Transaction, code: Code, now: int) -> OAuthError:
    """Judge a code that cannot be spent; a valid repeat revokes its grant (OAuth 2.1 §7.5.2)."""
    stored = tx.code(code.digest)
    if stored is None or stored.spent_at is None:
        return _refused("code_revoked_or_expired")
    if abs(now - stored.spent_at) <= HONEST_REPEAT:
        return _refused("code_repeated")
    tx.revoke_grant(code.grant_id, now)
    return _refused("code_replayed_grant_revoked")


def _new_grant(server: AuthServer, code: Code, jkt: str | None, now: int) -> Grant:
    tokens = server.settings.tokens
    return Grant(
        id=code.grant_id,
        handle=secrets.token_hex(16),
        client_id=code.client_id,
        sub=code.sub,
        resource=code.resource,
        scope=code.scope,
        auth_time=code.auth_time,
        seed=secrets.token_bytes(32),
        generation=0,
        rotated_at=now,
        created_at=now,
        expires_at=now + tokens.refresh_absolute_lifetime,
        idle_expires_at=now + tokens.refresh_idle_lifetime,
        epochs=code.epochs,
        upstream_sid=code.upstream_sid,
        refresh_kid=server.refresh_keys.current,
        dpop_jkt=jkt,
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


def _refused(detail: str) -> OAuthError:
    return OAuthError("invalid_grant", "The authorization code is not valid.", detail=detail)

"""The refresh token grant, by generation: OAuth 2.1 §4.3.1, RFC 9700 §4.14.2."""

from authserver.app import AuthServer
from authserver.grants import Proof
from authserver.oauth import refresh_token
from authserver.oauth.client import Client
from authserver.oauth.errors import OAuthError
from authserver.oauth.grant import Grant
from authserver.oauth.params import Params
from authserver.oauth.refresh_token import PresentedToken
from authserver.storage.store import Reads, Transaction


def prove(server: AuthServer, reads: Reads, client: Client, params: Params, now: int) -> Proof:
    """Prove a refresh token: authentic, this client's, of a live grant; reads only."""
    presented = refresh_token.parse(params.require("refresh_token"))
    found = reads.grant_and_user(presented.handle) if presented else None
    grant, user = found or (None, None)
    if presented is None or grant is None:
        raise _refused("unknown_refresh_token")
    if not refresh_token.is_authentic(server.refresh_keys, presented, grant):
        raise _refused("refresh_token_not_authentic")
    if grant.client_id != client.client_id:
        raise _refused("refresh_token_of_another_client")
    if user is None:
        raise _refused("user_gone")

    def spend(tx: Transaction, _jkt: str | None) -> Grant:
        return _spend(server, tx, grant, presented, now)

    is_current = refresh_token.judge(grant, presented.generation, now) == "current"
    return Proof(grant.authorization(), spend, user, rotates=grant if is_current else None)


def _spend(
    server: AuthServer, tx: Transaction, grant: Grant, presented: PresentedToken, now: int
) -> Grant:
    if refresh_token.judge(grant, presented.generation, now) == "current":
        idle_end = now + server.settings.tokens.refresh_idle_lifetime
        rotated = tx.rotate(
            grant.handle,
            presented.generation,
            now,
            idle_end,
            grant.epoch_subjects,
            refresh_kid=server.refresh_keys.current,
        )
        if rotated is not None:
            return rotated
        grant = tx.grant(grant.id) or grant  # another request was first, or it was revoked
    return _spend_again(tx, grant, presented, now)


def _spend_again(tx: Transaction, grant: Grant, presented: PresentedToken, now: int) -> Grant:
    """Judge a token that is not current: a lost answer is given again, reuse ends the family."""
    verdict = refresh_token.judge(grant, presented.generation, now)
    if verdict == "reuse":
        tx.revoke_grant(grant.id, now)
        raise _refused("refresh_token_reused_grant_revoked")
    if verdict == "retry" and tx.grant_is_live(grant.id, grant.epoch_subjects, now):
        return grant
    raise _refused(f"refresh_token_{verdict}" if verdict != "current" else "grant_revoked")


def _refused(detail: str) -> OAuthError:
    return OAuthError("invalid_grant", "The refresh token is not valid.", detail=detail)

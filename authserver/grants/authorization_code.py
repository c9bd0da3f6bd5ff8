"""The authorization code grant: OAuth 2.1 §4.1.3, RFC 7636 §4.6."""

from authserver.app import AuthServer
from authserver.grants import HONEST_REPEAT, Proof
from authserver.grants.beginning import begin
from authserver.oauth import pkce
from authserver.oauth.client import Client
from authserver.oauth.errors import OAuthError
from authserver.oauth.grant import Code, Grant
from authserver.oauth.opaque import digest
from authserver.oauth.params import Params
from authserver.storage.store import Reads, Transaction


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
        proven, epochs, sid = code.authorization(), code.epochs, code.upstream_sid
        return begin(server, tx, proven, epochs=epochs, upstream_sid=sid, jkt=jkt, now=now)

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


def _refused(detail: str) -> OAuthError:
    return OAuthError("invalid_grant", "The authorization code is not valid.", detail=detail)

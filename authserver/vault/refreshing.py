"""One refresh of a row of the vault, by who holds its lease: RFC 6749 §6, RFC 9700 §4.14.2

A fixed sequence of short transactions: take the lease, call, store what was rotated, verify it,
let it be used. Wherever it breaks off, the newest refresh token that we saw is in the row.
"""

from authserver.app import AuthServer
from authserver.audit import Fact
from authserver.oauth import opaque
from authserver.storage.vault import StoredTokens
from authserver.upstream.errors import UpstreamError, UpstreamUnavailable
from authserver.upstream.token_request import Tokens
from authserver.vault.held import HeldTokens, expiry, seal

_CLOCKS = 30  # seconds that two instances' clocks, or a slow commit, may be apart
UNVERIFIED = 0  # when tokens expire that are stored and not verified yet: nobody gets them
# The user has to be there, says the provider; the others say that the authorization has ended.
_NEED_THE_USER = frozenset({"consent_required", "interaction_required", "login_required"})


class Refused(Exception):
    """The provider gives nothing for these tokens any more, and they are forgotten."""


def refresh(server: AuthServer, held: HeldTokens, now: int, request_id: str) -> bool:
    """Refresh the tokens; True where the row is to be read again, False where another does it.

    Raises Refused, or UpstreamUnavailable, after which it may be tried again.
    """
    lease = opaque.random_value()
    until = now + int(2 * server.settings.upstream.request_timeout) + _CLOCKS
    with server.store.write() as tx:
        if not tx.take_lease(held.stored, lease, until, now):
            return False
    tokens = _call(server, held, lease, now, request_id)
    # None, or not stored: the user signed in meanwhile, and what they brought is newer.
    if tokens is not None and _store(server, held, tokens, lease, now):
        _verify(server, held.stored, tokens, lease, now, request_id)
        note(server, "refreshed", held.stored, now, request_id)
    return True


def _call(
    server: AuthServer, held: HeldTokens, lease: str, now: int, request_id: str
) -> Tokens | None:
    """Ask the provider once; a network error ends nothing."""
    stored = held.stored
    refresh_token, scope = held.refresh_token or "", stored.requested_scope
    try:
        return server.upstream.refresh(refresh_token, scope=scope, now=now)
    except UpstreamUnavailable:
        _release(server, stored, lease)
        raise
    except UpstreamError as error:
        if error.reason == "refresh_refused":
            _end(server, stored, lease, now, request_id, error.error_code)
            return None
        failure = error
    # Our credentials, a changed endpoint: the operator's to mend, and nobody's tokens' end.
    _release(server, stored, lease)
    raise _failed(server, stored, now, request_id, failure)


def _store(server: AuthServer, held: HeldTokens, tokens: Tokens, lease: str, now: int) -> bool:
    """Store what came, to be used at once where nothing is left to verify; False without lease."""
    stored, cipher = held.stored, server.vault_cipher
    # A provider that returned no refresh token left the old one good.
    refresh_token = tokens.refresh_token or held.refresh_token or ""
    with server.store.write() as tx:
        if not tx.store_refreshed(
            stored.digest,
            lease,
            access_token=cipher.seal(tokens.access_token, "access_token", stored.digest),
            refresh_token=cipher.seal(refresh_token, "refresh_token", stored.digest),
            scope=stored.scope if tokens.scope is None else tokens.scope,
            expires_at=UNVERIFIED,
        ):
            return False
        if tokens.id_token is None:
            expires_at = expiry(tokens, now, refreshable=True)
            tx.confirm_refreshed(
                stored.digest, lease, id_token=stored.id_token, expires_at=expires_at
            )
    return True


def _verify(
    server: AuthServer,
    stored: StoredTokens,
    tokens: Tokens,
    lease: str,
    now: int,
    request_id: str,
) -> None:
    """Verify the ID token that came along, and let the stored tokens be used."""
    if tokens.id_token is None:
        return
    issuer, subject = stored.upstream_issuer, stored.upstream_subject
    try:
        server.upstream.check_refreshed(tokens, issuer=issuer, subject=subject, now=now)
    except UpstreamUnavailable:
        _release(server, stored, lease)
        raise
    except UpstreamError as error:
        failure = error
    else:
        sealed = seal(server, tokens.id_token, "id_token", stored.digest)
        expires_at = expiry(tokens, now, refreshable=True)
        with server.store.write() as tx:
            tx.confirm_refreshed(stored.digest, lease, id_token=sealed, expires_at=expires_at)
        return
    if failure.reason == "id_token_subject":
        _end(server, stored, lease, now, request_id, failure.reason)
    _release(server, stored, lease)
    raise _failed(server, stored, now, request_id, failure)


def _end(
    server: AuthServer, stored: StoredTokens, lease: str, now: int, request_id: str, reason: str
) -> None:
    """Forget tokens that are good no more, and end the grants that depend on them.

    Raises Refused, unless the user has brought others meanwhile.
    """
    with server.store.write() as tx:
        if not tx.forget_upstream_tokens(stored.digest, lease):
            return
        ended = (
            tx.end_dependent_grants(stored.sub, stored.resource, now)
            if reason not in _NEED_THE_USER
            else 0
        )
    note(server, "refused", stored, now, request_id, reason=reason, clients_ended=ended)
    raise Refused


def _failed(
    server: AuthServer, stored: StoredTokens, now: int, request_id: str, error: UpstreamError
) -> UpstreamUnavailable:
    note(server, "failed", stored, now, request_id, reason=error.reason, detail=error.detail)
    return UpstreamUnavailable(f"refresh: {error.reason}")


def _release(server: AuthServer, stored: StoredTokens, lease: str) -> None:
    with server.store.write() as tx:
        tx.release_lease(stored.digest, lease)


def note(
    server: AuthServer,
    what: str,
    stored: StoredTokens,
    now: int,
    request_id: str,
    **facts: Fact,
) -> None:
    """Tell the audit what became of tokens."""
    server.audit.emit(
        f"upstream_token.{what}",
        now=now,
        request_id=request_id,
        sub=stored.sub,
        resource=stored.resource,
        **facts,
    )

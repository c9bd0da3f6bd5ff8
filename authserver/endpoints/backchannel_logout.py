"""POST /backchannel-logout: the upstream logged a user out: OIDC Back-Channel Logout 1.0 §2.5"""

from authserver.app import AuthServer
from authserver.message import Endpoint, Request, Response
from authserver.oauth import epoch
from authserver.oauth.errors import OAuthError
from authserver.storage.store import Transaction
from authserver.upstream.errors import UpstreamError, UpstreamUnavailable
from authserver.upstream.logout_token import Logout, LogoutTokens


def endpoints(server: AuthServer) -> list[Endpoint]:
    """Return the endpoint where the upstream is one that can log users out."""
    tokens = server.upstream.logout_tokens
    if tokens is None:
        return []

    def backchannel_logout(server: AuthServer, request: Request) -> Response:
        return _receive(server, tokens, request)

    return [Endpoint("/backchannel-logout", ("POST",), backchannel_logout, body="form", cors=False)]


def _receive(server: AuthServer, tokens: LogoutTokens, request: Request) -> Response:
    """Verify the token, then end what it names, once; all that depends on it compares epochs."""
    logout = _verified(server, tokens, request)
    sub, ended = None, "nothing"
    with server.store.write() as tx:
        is_new = tx.spend_logout_token(
            logout.digest,
            ends=logout.ends,
            received_at=request.now,
            expires_at=logout.expires_at,
        )
        if is_new:
            sub, ended = _end(tx, logout)
    if not is_new:
        raise _refused(server, request, "logout_token_replayed")
    server.audit.emit(
        "logout.received", now=request.now, request_id=request.id, sub=sub, ended=ended
    )
    return Response(200)


def _verified(server: AuthServer, tokens: LogoutTokens, request: Request) -> Logout:
    token = request.params.get("logout_token")
    if token is None:
        raise _refused(server, request, "logout_token_missing")
    try:
        return tokens.verify(token, request.now)
    except UpstreamError as error:
        # The checks that it shares with ID tokens have their names.
        detail = error.reason.replace("id_token", "logout_token")
    except UpstreamUnavailable as error:
        raise OAuthError(
            "temporarily_unavailable",
            "The logout token cannot be verified now.",
            detail=error.detail,
            status=400,  # §2.8: of a logout that failed, whatever the cause
        ) from None
    raise _refused(server, request, detail)


def _end(tx: Transaction, logout: Logout) -> tuple[str | None, str]:
    """End the session, or all that the user has; return our name of them, and which of both."""
    user = None if logout.subject is None else tx.user_of(logout.issuer, logout.subject)
    sub = None if user is None else user.sub
    if logout.subject is not None and sub is None:
        return None, "nothing"
    if logout.sid is not None:
        tx.bump_epoch(epoch.upstream_session(logout.sid))
        if sub is not None:  # what does not say which session it is of may be of this one
            tx.bump_epoch(epoch.without_upstream_session(sub))
        return sub, "session"
    tx.bump_epoch(epoch.user(str(sub)))
    return sub, "user"


def _refused(server: AuthServer, request: Request, detail: str) -> OAuthError:
    # Only who fails is slowed down: a stranger cannot keep the upstream's logouts out.
    server.limiter.count_refused_logout(request.address)
    return OAuthError("invalid_request", "The logout token is not valid.", detail=detail)

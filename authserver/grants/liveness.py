"""A refresh that the upstream is asked about first, where the resource says so: RFC 6749 §5.2"""

from authserver.app import AuthServer
from authserver.oauth.errors import OAuthError
from authserver.oauth.grant import Grant
from authserver.oauth.resource import Resource
from authserver.oauth.user import User
from authserver.upstream.errors import UpstreamUnavailable
from authserver.vault import liveness
from authserver.vault.liveness import Gone

_RETRY_AFTER = "5"


def check(
    server: AuthServer, grant: Grant, user: User, resource: Resource, now: int, request_id: str
) -> None:
    """Ask the upstream about the user of a grant, before anything of it is spent.

    Raises `invalid_grant` where the answer is no, and ends the grant's family;
    `temporarily_unavailable` where there is no answer, and nothing has changed.
    """
    if not resource.checks_upstream or not _is_live(server, grant, now):
        return  # what has ended needs no answer: the spend refuses it
    try:
        liveness.ask(server, user, resource, now, request_id=request_id)
    except Gone as error:
        detail = f"upstream_{error.reason}_grant_revoked"
    except UpstreamUnavailable as error:
        raise OAuthError(
            "temporarily_unavailable",
            "The identity provider cannot be asked now; try again.",
            detail=f"upstream_unavailable: {error.detail}",
            headers=(("Retry-After", _RETRY_AFTER),),
        ) from None
    else:
        return
    with server.store.write() as tx:
        tx.revoke_grant(grant.id, now)
    raise OAuthError("invalid_grant", "The refresh token is not valid.", detail=detail)


def _is_live(server: AuthServer, grant: Grant, now: int) -> bool:
    if now >= grant.idle_expires_at:
        return False
    with server.store.read() as reads:
        return reads.grant_is_live(grant.id, grant.epoch_subjects, now)

"""Subject and actor tokens: who can verify them, and what they say: RFC 8693 §2.1, §2.2.2."""

from authserver.app import AuthServer
from authserver.oauth import act, anchor, scope
from authserver.oauth.access_token import ACCESS_TOKEN_TYPE
from authserver.oauth.act import Party
from authserver.oauth.edge import Requester
from authserver.oauth.errors import OAuthError
from authserver.oauth.exchange import Subject
from authserver.oauth.exchange_request import ACCESS_TOKEN, JWT, ExchangeRequest
from authserver.oauth.user import User


def verify(server: AuthServer, request: ExchangeRequest, now: int) -> tuple[Subject, User | None]:
    """Return what a subject token proves, and the user of ours who it is about, if it is one.

    Raises `invalid_request` for one that is not valid, whatever the reason (RFC 8693 §2.2.2).
    """
    if request.subject_token_type not in (ACCESS_TOKEN, JWT):
        raise _refused("subject", "type_without_verifier")
    claims = server.keys.verify(request.subject_token, ACCESS_TOKEN_TYPE, now)
    if claims is None:
        raise _refused("subject", "not_ours_or_expired")
    return _ours(server, claims, now)


def verify_actor(
    server: AuthServer, requester: Requester, request: ExchangeRequest, now: int
) -> Party | None:
    """Return whom an actor token is about, None where there is no such token.

    One of ours must have been issued to the requester, or for the requester's own resource.
    """
    if request.actor_token is None:
        return None
    claims = server.keys.verify(request.actor_token, ACCESS_TOKEN_TYPE, now)
    if claims is None:
        raise _refused("actor", "not_ours_or_expired")
    subject, _ = _ours(server, claims, now, "actor")
    if requester.client_id != subject.client_id and requester.resource != subject.source:
        raise _refused("actor", "issued_to_another")
    return Party(server.issuer, subject.sub)


def _ours(
    server: AuthServer, claims: dict[str, object], now: int, role: str = "subject"
) -> tuple[Subject, User | None]:
    """Return what an access token of ours says, while all that it hangs on stands."""
    root, sub = anchor.read(claims), str(claims["sub"])
    resource = server.resource(str(claims["aud"]))
    if resource is None:
        raise _refused(role, "resource_not_served")
    if "cnf" in claims:
        raise _refused(role, "bound_to_a_key")
    with server.store.read() as reads:
        live = reads.live_token(root, sub, anchor.jtis(claims), now)
    if live is None:
        raise _refused(role, "revoked")
    signed_in_at = claims.get("auth_time")
    subject = Subject(
        kind="ours",
        source=resource.key,
        sub=sub,
        client_id=str(claims["client_id"]),
        scope=scope.parse(str(claims["scope"])),
        expires_at=int(str(claims["exp"])),
        auth_time=signed_in_at if isinstance(signed_in_at, int) else None,
        anchor=root,
        via=anchor.via(claims),
        link=anchor.link(claims),
        actors=act.read(claims.get("act"), server.issuer),
    )
    return subject, live.user


def _refused(role: str, detail: str) -> OAuthError:
    return OAuthError(
        "invalid_request", f"The {role} token is not valid.", detail=f"{role}_token_{detail}"
    )

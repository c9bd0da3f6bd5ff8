"""Subject and actor tokens: who can verify them, and what they say: RFC 8693 §2.1, §2.2.2."""

from authserver.app import AuthServer
from authserver.grants import foreign_subject
from authserver.oauth import act, anchor, binding, scope
from authserver.oauth.access_token import ACCESS_TOKEN_TYPE
from authserver.oauth.act import Party
from authserver.oauth.edge import Requester
from authserver.oauth.errors import OAuthError
from authserver.oauth.exchange import Subject
from authserver.oauth.exchange_request import ACCESS_TOKEN, JWT, ExchangeRequest
from authserver.storage.anchors import LiveToken
from authserver.upstream.errors import UpstreamError, UpstreamUnavailable


def verify(
    server: AuthServer, requester: Requester, request: ExchangeRequest, now: int
) -> tuple[Subject, LiveToken]:
    """Return what a subject token proves, and what it hangs on here: a user of ours, a grant.

    Raises `invalid_request` for one that is not valid, whatever the reason (RFC 8693 §2.2.2), and
    `temporarily_unavailable` where its issuer cannot be asked for its keys.
    """
    token, type_ = request.subject_token, request.subject_token_type
    issuer = foreign_subject.claimed_issuer(token)
    try:
        if issuer == server.issuer:
            return _ours(server, token, type_, now, "subject")
        if foreign_subject.is_upstream(server, issuer):
            return foreign_subject.of_upstream(server, requester, token, type_, now)
        return foreign_subject.of_trusted_issuer(server, requester, issuer, token, type_, now)
    except UpstreamError as error:
        refusal = _refused("subject", error.reason.replace("id_token", "foreign"))
    except UpstreamUnavailable as error:
        refusal = _not_now(error)
    raise refusal


def verify_actor(
    server: AuthServer,
    requester: Requester,
    request: ExchangeRequest,
    now: int,
    jkt: str | None = None,
) -> Party | None:
    """Return whom an actor token is about, None where there is no such token.

    One of ours must have been issued to the requester, or for the requester's own resource; one
    that is bound must be to the key that the requester proved to hold (`jkt`).
    """
    token, type_ = request.actor_token, request.actor_token_type or ACCESS_TOKEN
    if token is None:
        return None
    issuer = foreign_subject.claimed_issuer(token)
    try:
        if issuer != server.issuer:
            return foreign_subject.actor(server, issuer, token, type_, now)
    except UpstreamError as error:
        refusal = _refused("actor", error.reason.replace("id_token", "foreign"))
    except UpstreamUnavailable as error:
        refusal = _not_now(error)
    else:
        subject, _ = _ours(server, token, type_, now, "actor")
        if requester.client_id != subject.client_id and requester.resource != subject.source:
            raise _refused("actor", "issued_to_another")
        if subject.jkt not in (None, jkt):
            raise _refused("actor", "bound_to_another_key")
        return Party(server.issuer, subject.sub)
    raise refusal


def _ours(
    server: AuthServer, token: str, type_: str, now: int, role: str
) -> tuple[Subject, LiveToken]:
    """Return what an access token of ours says, while all that it hangs on stands."""
    is_of_type = type_ in (ACCESS_TOKEN, JWT)
    claims = server.keys.verify(token, ACCESS_TOKEN_TYPE, now) if is_of_type else None
    if claims is None:
        raise _refused(role, "of_another_type_or_expired")
    root, sub = anchor.read(claims), str(claims["sub"])
    resource = server.resource(str(claims["aud"]))
    if resource is None:
        raise _refused(role, "resource_not_served")
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
        jkt=binding.confirmed(claims),
    )
    return subject, live


def _refused(role: str, detail: str) -> OAuthError:
    return OAuthError(
        "invalid_request", f"The {role} token is not valid.", detail=f"{role}_token_{detail}"
    )


def _not_now(error: UpstreamUnavailable) -> OAuthError:
    return OAuthError(
        "temporarily_unavailable",
        "The token's issuer cannot be asked now; try again.",
        detail=f"issuer_unavailable: {error.detail}",
        headers=(("Retry-After", "5"),),
    )

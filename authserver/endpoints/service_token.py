"""The token of an external service, by a second exchange there: RFC 8693 §2.1, §2.2."""

import json

from authserver.app import AuthServer
from authserver.endpoints.held_token import held_token, source_of
from authserver.grants.token_exchange import Proof
from authserver.message import Request
from authserver.oauth import act, opaque
from authserver.oauth.errors import OAuthError
from authserver.settings.external_service import ExternalService
from authserver.upstream.errors import UpstreamError, UpstreamUnavailable
from authserver.upstream.external_service import ExternalServiceClient, ServiceToken

_MINTED_LIFETIME = 60  # seconds: it is presented at once


def service_token(
    server: AuthServer, proof: Proof, client: ExternalServiceClient, request: Request
) -> ServiceToken:
    """Return the service's token for the subject; its life is its own.

    Raises `access_denied` where the service refuses the user's token, `invalid_grant` where the
    user has to connect again, `temporarily_unavailable` (502, 503) where the service fails.
    """
    subject_token, whose = _subject_token(server, proof, client.settings, request)
    try:
        return client.exchange(subject_token, proof.exchange.scope, request.now, whose=whose)
    except UpstreamError as error:
        refusal = _refused(error, client.settings.name)
    except UpstreamUnavailable as error:
        refusal = OAuthError(
            "temporarily_unavailable",
            "The target's authorization server does not answer; try again.",
            detail=f"service_unavailable: {error.detail}",
            headers=(("Retry-After", "5"),),
        )
    raise refusal


def _subject_token(
    server: AuthServer, proof: Proof, service: ExternalService, request: Request
) -> tuple[str, str | None]:
    """Return what is brought there and, of a token that is new each time, whose it is."""
    if service.subject == "minted":
        return _minted(server, proof, service, request.now)
    held = held_token(server, proof, source_of(server, proof), request)
    if service.subject == "upstream_access_token":
        return held.access_token, None
    if held.id_token is None:
        raise OAuthError("invalid_grant", "The user has to connect again.", detail="no_id_token")
    return held.id_token, None


def _minted(
    server: AuthServer, proof: Proof, service: ExternalService, now: int
) -> tuple[str, str]:
    """Return a JWT that is good at this service alone: never the token that came in."""
    decided = proof.exchange
    subject = decided.subject
    claims: dict[str, object] = {
        "iss": server.issuer,
        "sub": subject.sub,
        "aud": service.subject_audience,
        "iat": now,
        "exp": min(now + _MINTED_LIFETIME, subject.expires_at),
        "jti": opaque.random_value(),
    }
    acting = act.claim(decided.actors)
    if acting is not None:
        claims["act"] = acting
    # Actors of the same name may be of different issuers: a token is kept for all of them as told.
    whose = json.dumps([subject.sub, subject.source, acting])
    return server.keys.sign("JWT", claims, now), whose


def _refused(error: UpstreamError, name: str) -> OAuthError:
    detail = f"{name}: {error.reason}: {error.detail} {error.error_code}".rstrip()
    if error.error_code:
        return OAuthError("access_denied", "The target refuses the user's token.", detail=detail)
    # Our credentials there, our scopes: the operator's to mend, and no matter of this user's.
    return OAuthError(
        "temporarily_unavailable", "The target cannot be reached now.", detail=detail, status=502
    )

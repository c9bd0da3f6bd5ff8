"""POST /token with a token exchange: what was decided is carried out: RFC 8693 §2.2."""

from authserver.app import AuthServer
from authserver.grants import token_exchange
from authserver.grants.token_exchange import Proof
from authserver.message import Request
from authserver.oauth import access_token, claim, opaque, policy, scope
from authserver.oauth.client import Client
from authserver.oauth.edge import UPSTREAM, no_target
from authserver.oauth.errors import OAuthError
from authserver.oauth.exchange import too_wide
from authserver.oauth.exchange_request import ACCESS_TOKEN
from authserver.oauth.grant import Authorization
from authserver.oauth.resource import Resource
from authserver.upstream.errors import UpstreamUnavailable
from authserver.vault.upstream_token import NoUpstreamToken, upstream_token

_UNKNOWN_LIFETIME = 300  # seconds after which to ask again, where nobody said when it expires


def exchange(server: AuthServer, client: Client, request: Request) -> dict[str, object]:
    """Return the answer to one exchange: a token for the target, and no refresh token."""
    proof = token_exchange.prove(server, client, request.params, request.now)
    return carry_out(server, client, proof, request)


def carry_out(
    server: AuthServer, client: Client, proof: Proof, request: Request
) -> dict[str, object]:
    """Return the answer for what was proven; raises what the target raises."""
    if proof.target.resource is not None:
        answer = _mint(server, client, proof, proof.target.resource, request.now)
    elif proof.target.name == UPSTREAM:
        answer = _upstream_token(server, proof, request)
    else:
        raise no_target("no_such_target")
    subject = proof.exchange.subject
    server.audit.emit(
        "token.exchanged",
        now=request.now,
        request_id=request.id,
        client_id=client.client_id,
        sub=subject.sub,
        source=subject.source,
        target=proof.target.name,
        scope=str(answer["scope"]),
        grant_id=subject.anchor.grant_id,
        depth=len(proof.exchange.via),
    )
    return answer


def _mint(
    server: AuthServer, client: Client, proof: Proof, resource: Resource, now: int
) -> dict[str, object]:
    """Mint a token for a resource: it lives no longer than the subject's, or the resource's own."""
    decided = proof.exchange
    subject = decided.subject
    permitted = decided.permitted(policy.allowed(resource, proof.user, decided.scope))
    lifetime = min(resource.access_token_lifetime, subject.expires_at - now)
    authorization = Authorization(
        sub=subject.sub,
        client_id=client.client_id,
        resource=resource.url,
        scope=permitted,
        anchor=subject.anchor,
        auth_time=subject.auth_time,
        actors=decided.actors,
        via=decided.via,
    )
    user_claims, _ = claim.for_token(proof.user, resource.claims)
    claims = access_token.access_token_claims(
        authorization,
        user_claims,
        issuer=server.issuer,
        lifetime=lifetime,
        jti=opaque.random_value(),
        now=now,
    )
    token = server.keys.sign(access_token.ACCESS_TOKEN_TYPE, claims, now)
    return _answer(token, lifetime, permitted)


def _upstream_token(server: AuthServer, proof: Proof, request: Request) -> dict[str, object]:
    """Return the user's upstream token of the source, as it is: it cannot be narrowed."""
    subject, now = proof.exchange.subject, request.now
    resource = server.settings.resource_named(subject.source)
    if resource is None or proof.user is None:
        raise no_target("upstream_of_no_resource")
    if policy.allowed(resource, proof.user, subject.scope) is None:
        raise OAuthError("access_denied", "The user may not use the target.", detail="policy")
    if not set(resource.upstream_scopes) <= set(proof.exchange.worth):
        raise too_wide("upstream_token_cannot_be_narrowed")
    try:
        held = upstream_token(server, subject.sub, resource, now, request_id=request.id)
    except NoUpstreamToken as error:
        raise OAuthError(
            "invalid_grant", "The user has to connect again.", detail=f"upstream_{error.reason}"
        ) from None
    except UpstreamUnavailable as error:
        raise OAuthError(
            "temporarily_unavailable",
            "The identity provider cannot be asked now; try again.",
            detail=f"upstream_unavailable: {error.detail}",
            headers=(("Retry-After", "5"),),
        ) from None
    rest = _UNKNOWN_LIFETIME if held.expires_at is None else max(held.expires_at - now, 0)
    return _answer(held.access_token, rest, held.scope)


def _answer(token: str, expires_in: int, granted: tuple[str, ...]) -> dict[str, object]:
    return {
        "access_token": token,
        "issued_token_type": ACCESS_TOKEN,
        "token_type": "Bearer",
        "expires_in": expires_in,
        "scope": scope.join(granted),
    }

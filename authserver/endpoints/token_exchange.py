"""POST /token with a token exchange: what was decided is carried out: RFC 8693 §2.2."""

from authserver.app import AuthServer
from authserver.endpoints import access_tokens, proof_of_possession, status_list
from authserver.endpoints.held_token import held_token, source_of
from authserver.endpoints.issued_assertion import issued_assertion
from authserver.endpoints.service_token import service_token
from authserver.grants import token_exchange
from authserver.grants.token_exchange import Proof
from authserver.message import Request
from authserver.oauth import claim, dpop, policy, scope
from authserver.oauth.client import Client
from authserver.oauth.dpop import Possession
from authserver.oauth.edge import UPSTREAM
from authserver.oauth.exchange import Exchange, too_wide
from authserver.oauth.exchange_request import ACCESS_TOKEN
from authserver.oauth.grant import Authorization
from authserver.oauth.resource import Resource
from authserver.upstream.external_service import UNKNOWN_LIFETIME, ExternalServiceClient


def exchange(
    server: AuthServer, client: Client, possession: Possession | None, request: Request
) -> dict[str, object]:
    """Return the answer to one exchange: a token for the target, and no refresh token."""
    jkt = possession.jkt if possession else None
    proof = token_exchange.prove(server, client, request.params, request.now, jkt)
    proof_of_possession.spend_alone(server, possession)
    return carry_out(server, client, proof, request)


def carry_out(
    server: AuthServer, client: Client, proof: Proof, request: Request
) -> dict[str, object]:
    """Return the answer for what was proven; raises what the target raises."""
    if proof.target.resource is not None:
        answer = _mint(server, client, proof, proof.target.resource, request.now)
    elif proof.target.downstream is not None:
        answer = issued_assertion(server, client, proof, proof.target.downstream, request)
    elif proof.target.name == UPSTREAM:
        answer = _upstream_token(server, proof, request)
    else:
        answer = _service_token(server, proof, server.services[proof.target.name], request)
    subject = proof.exchange.subject
    server.audit.emit(
        "token.exchanged",
        now=request.now,
        request_id=request.id,
        client_id=client.client_id,
        sub=subject.sub,
        source=subject.source,
        target=proof.target.name,
        issued_token_type=str(answer["issued_token_type"]),
        scope=str(answer["scope"]),
        grant_id=subject.anchor.grant_id,
        depth=len(proof.exchange.via),
        bound=answer["token_type"] == dpop.TOKEN_TYPE,
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
        jkt=_bound_to(resource, decided),
    )
    user_claims, _ = claim.for_token(proof.user, resource.claims)
    token = access_tokens.mint(
        server,
        authorization,
        user_claims,
        lifetime=lifetime,
        status=_status(server, proof, resource, now),
        now=now,
    )
    answer = access_tokens.answer(token, authorization, lifetime)
    return {**answer, "issued_token_type": ACCESS_TOKEN}


def _bound_to(resource: Resource, decided: Exchange) -> str | None:
    if resource.dpop_bound_access_tokens_required and decided.jkt is None:
        raise dpop.refused("missing")
    return decided.jkt


def _status(
    server: AuthServer, proof: Proof, resource: Resource, now: int
) -> dict[str, object] | None:
    if proof.grant is not None:
        return status_list.of_grant(server, resource, proof.grant, now)
    subject = proof.exchange.subject
    return status_list.of_subject(server, resource, subject.anchor, subject.sub, now)


def _upstream_token(server: AuthServer, proof: Proof, request: Request) -> dict[str, object]:
    """Return the user's upstream token of the source, as it is: it cannot be narrowed."""
    resource = source_of(server, proof)
    if not set(resource.upstream_scopes) <= set(proof.exchange.worth):
        raise too_wide("upstream_token_cannot_be_narrowed")
    held = held_token(server, proof, resource, request)
    known = held.expires_at
    rest = UNKNOWN_LIFETIME if known is None else max(known - request.now, 0)
    return _answer(held.access_token, rest, held.scope)


def _service_token(
    server: AuthServer, proof: Proof, client: ExternalServiceClient, request: Request
) -> dict[str, object]:
    token = service_token(server, proof, client, request)
    rest = max(token.expires_at - request.now, 0)
    answer = _answer(token.access_token, rest, token.scope)
    named = {"issued_token_type": token.issued_token_type, "token_type": token.token_type}
    return {**answer, **named}


def _answer(token: str, expires_in: int, granted: tuple[str, ...]) -> dict[str, object]:
    return {
        "access_token": token,
        "issued_token_type": ACCESS_TOKEN,
        "token_type": "Bearer",
        "expires_in": expires_in,
        "scope": scope.join(granted),
    }

"""POST /token: one place decides, spends and mints: OAuth 2.1 §3.2, RFC 6749 §5."""

from collections.abc import Callable

from authserver.app import AuthServer
from authserver.endpoints import (
    access_tokens,
    client_credentials,
    jwt_bearer,
    status_list,
    token_exchange,
)
from authserver.endpoints.client_authentication import authenticate, slowed_down
from authserver.grants import Proof, Prove, authorization_code, liveness, refresh_token
from authserver.message import Request, Response, json_response
from authserver.oauth import (
    access_token,
    claim,
    exchange_request,
    grant,
    policy,
    scope,
    workload,
)
from authserver.oauth import refresh_token as refresh
from authserver.oauth.client import Client, check_limits
from authserver.oauth.errors import OAuthError
from authserver.oauth.grant import Authorization, Grant
from authserver.oauth.params import Params
from authserver.oauth.resource import Resource

GRANTS: dict[str, Prove] = {
    "authorization_code": authorization_code.prove,
    "refresh_token": refresh_token.prove,
}
# Those that spend nothing and keep nothing: whoever proves itself may ask again.
DIRECT: dict[str, Callable[[AuthServer, Client, Request], dict[str, object]]] = {
    exchange_request.GRANT_TYPE: token_exchange.exchange,
    "client_credentials": client_credentials.issue,
}


def token(server: AuthServer, request: Request) -> Response:
    """Answer a token request: authenticate, prove, narrow, ask the policy, spend, mint; in order.

    Whatever is refused before the spend leaves code and refresh token usable.
    """
    params, now = request.params, request.now
    if params.get("grant_type") == workload.GRANT_TYPE:
        return json_response(jwt_bearer.issue(server, request))
    client = authenticate(server, request)
    grant_type = params.require("grant_type")
    if grant_type in DIRECT:
        return json_response(DIRECT[grant_type](server, client, request))
    prove = _find_grant(grant_type, client)
    with slowed_down(server, client.client_id, request):
        with server.store.read() as reads:
            proof = prove(server, reads, client, params, now)
        resource, authorization = _narrow(server, client, proof, params)
        server.keys.signing_alg(now)  # raises here, where a server that cannot sign spends nothing
        if proof.rotates is not None and proof.user is not None:
            liveness.check(server, proof.rotates, proof.user, resource, now, request.id)
        with server.store.write() as tx:
            granted = proof.spend(tx)
    user_claims, omitted = claim.for_token(proof.user, resource.claims)
    answer = _mint(server, client, authorization, resource, granted, user_claims, now)
    if "openid" in authorization.scope and grant_type == "authorization_code":
        answer["id_token"] = _id_token(server, authorization, str(answer["access_token"]), now)
    server.audit.emit(
        "token.issued",
        now=now,
        request_id=request.id,
        grant_type=grant_type,
        client_id=client.client_id,
        sub=authorization.sub,
        resource=authorization.resource,
        scope=scope.join(authorization.scope),
        grant_id=granted.id,
        generation=granted.generation,
        claims_omitted=" ".join(omitted),
    )
    return json_response(answer)


def _find_grant(grant_type: str, client: Client) -> Prove:
    prove = GRANTS.get(grant_type)
    if prove is None:
        raise OAuthError("unsupported_grant_type", "This grant_type is not supported.")
    if grant_type not in client.grant_types:
        raise OAuthError("unauthorized_client", "The client may not use this grant_type.")
    return prove


def _narrow(
    server: AuthServer, client: Client, proof: Proof, params: Params
) -> tuple[Resource, Authorization]:
    """Return the resource, and what one token for it may say: proven, wanted and still allowed."""
    narrowed = grant.narrow(proof.authorization, params)
    resource = _find_resource(server, narrowed)
    permitted = policy.permit(resource, proof.user, proof.authorization, narrowed)
    check_limits(client, resource, permitted.scope)
    return resource, permitted


def _find_resource(server: AuthServer, authorization: Authorization) -> Resource:
    resource = server.resource(authorization.resource)
    if resource is None:
        raise OAuthError("invalid_grant", "The grant is not valid.", detail="resource_not_served")
    return resource


def _mint(
    server: AuthServer,
    client: Client,
    authorization: Authorization,
    resource: Resource,
    granted: Grant,
    user_claims: dict[str, object],
    now: int,
) -> dict[str, object]:
    # A token never outlives the grant that it comes from.
    lifetime = min(resource.access_token_lifetime, max(granted.expires_at - now, 1))
    token_ = access_tokens.mint(
        server,
        authorization,
        user_claims,
        lifetime=lifetime,
        status=status_list.of_grant(server, resource, granted, now),
        now=now,
    )
    answer: dict[str, object] = {
        "access_token": token_,
        "token_type": "Bearer",
        "expires_in": lifetime,
        "scope": scope.join(authorization.scope),
    }
    if "refresh_token" in client.grant_types:
        answer["refresh_token"] = refresh.issue(server.refresh_keys, granted)
    return answer


def _id_token(server: AuthServer, authorization: Authorization, token_: str, now: int) -> str:
    claims = access_token.id_token_claims(
        authorization,
        issuer=server.issuer,
        access_token=token_,
        alg=server.keys.signing_alg(now),
        now=now,
    )
    return server.keys.sign("JWT", claims, now)

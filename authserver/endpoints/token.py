"""POST /token: one place decides, spends and mints: OAuth 2.1 §3.2, RFC 6749 §5, RFC 9449 §5."""

from collections.abc import Callable
from dataclasses import replace

from authserver.app import AuthServer
from authserver.endpoints import (
    client_credentials,
    granted_tokens,
    jwt_bearer,
    proof_of_possession,
    token_exchange,
)
from authserver.endpoints.client_authentication import authenticate, slowed_down
from authserver.endpoints.granted_tokens import Granted
from authserver.grants import (
    Proof,
    Prove,
    Undecided,
    authorization_code,
    device_code,
    liveness,
    refresh_token,
)
from authserver.message import Request, Response, json_response
from authserver.oauth import binding, exchange_request, grant, policy, workload
from authserver.oauth.client import Client, check_limits
from authserver.oauth.client_metadata import DEVICE_CODE
from authserver.oauth.dpop import Possession
from authserver.oauth.errors import OAuthError
from authserver.oauth.grant import Authorization
from authserver.oauth.params import Params, check_no_details
from authserver.oauth.resource import Resource

GRANTS: dict[str, Prove] = {
    "authorization_code": authorization_code.prove,
    "refresh_token": refresh_token.prove,
    DEVICE_CODE: device_code.prove,
}
# Those that spend nothing and keep nothing: whoever proves itself may ask again.
Direct = Callable[[AuthServer, Client, Possession | None, Request], dict[str, object]]
DIRECT: dict[str, Direct] = {
    exchange_request.GRANT_TYPE: token_exchange.exchange,
    "client_credentials": client_credentials.issue,
}


def token(server: AuthServer, request: Request) -> Response:
    """Answer a token request, and say which nonce the next proof is to have."""
    possession = proof_of_possession.read(server, request)
    answer = _answer(server, request, possession)
    nonce = proof_of_possession.next_nonce(server, possession, request.now)
    return json_response(answer, headers=nonce)


def _answer(
    server: AuthServer, request: Request, possession: Possession | None
) -> dict[str, object]:
    """Authenticate, prove, narrow, ask the policy, bind, spend, mint; in this order.

    Whatever is refused before the spend leaves code and refresh token usable.
    """
    params, now = request.params, request.now
    check_no_details(params)
    if params.get("grant_type") == workload.GRANT_TYPE:
        _check_supported(server, workload.GRANT_TYPE)
        return jwt_bearer.issue(server, possession, request)
    client = authenticate(server, request, began_at=_began_at(server, params))
    proof_of_possession.check_client(client, possession)
    grant_type = params.require("grant_type")
    _check_supported(server, grant_type)
    if grant_type in DIRECT:
        return DIRECT[grant_type](server, client, possession, request)
    prove = _find_grant(grant_type, client)
    with slowed_down(server, client.client_id, request):
        proof = _prove(server, prove, client, possession, request)
        resource, authorization = _narrow(server, client, proof, params)
        if grant_type == "refresh_token":
            _check_bound(client, resource, authorization)
        authorization = _bind(resource, authorization, possession)
        server.keys.signing_alg(now)  # raises here, where a server that cannot sign spends nothing
        if proof.rotates is not None and proof.user is not None:
            liveness.check(server, proof.rotates, proof.user, resource, now, request.id)
        with server.store.write() as tx:
            proof_of_possession.spend(tx, possession)
            spent = proof.spend(tx, authorization.jkt)
    granted = Granted(grant_type, proof, authorization, resource, spent)
    return granted_tokens.issue(server, client, granted, request)


def _began_at(server: AuthServer, params: Params) -> int | None:
    is_device = params.get("grant_type") == DEVICE_CODE
    return device_code.asked_at(server, params) if is_device else None


def _prove(
    server: AuthServer,
    prove: Prove,
    client: Client,
    possession: Possession | None,
    request: Request,
) -> Proof:
    with server.store.read() as reads:
        proof = prove(server, reads, client, request.params, request.now)
    if isinstance(proof, Undecided):
        with server.store.write() as tx:
            proof_of_possession.spend(tx, possession)  # the answer is no refusal: it may wait
            raise proof.note(tx)
    return proof


def _check_supported(server: AuthServer, grant_type: str) -> None:
    if grant_type not in server.grant_types:
        raise OAuthError("unsupported_grant_type", "This grant_type is not supported.")


def _find_grant(grant_type: str, client: Client) -> Prove:
    if grant_type not in client.grant_types:
        raise OAuthError("unauthorized_client", "The client may not use this grant_type.")
    return GRANTS[grant_type]


def _narrow(
    server: AuthServer, client: Client, proof: Proof, params: Params
) -> tuple[Resource, Authorization]:
    """Return the resource, and what one token for it may say: proven, wanted and still allowed."""
    narrowed = grant.narrow(proof.authorization, params)
    resource = _find_resource(server, narrowed)
    permitted = policy.permit(resource, proof.user, proof.authorization, narrowed)
    check_limits(client, resource, permitted.scope)
    return resource, permitted


def _check_bound(client: Client, resource: Resource, authorization: Authorization) -> None:
    """Raise `invalid_grant` for a grant without a key that would need one if it began now."""
    required = client.dpop_bound_access_tokens or resource.dpop_bound_access_tokens_required
    binding.check_grant(authorization.jkt, required=required)


def _bind(
    resource: Resource, authorization: Authorization, possession: Possession | None
) -> Authorization:
    """Return the authorization bound to the key that was proved, where one was or has to be."""
    jkt = binding.bind(
        possession,
        bound_to=authorization.jkt,
        required=resource.dpop_bound_access_tokens_required,
    )
    return replace(authorization, jkt=jkt)


def _find_resource(server: AuthServer, authorization: Authorization) -> Resource:
    resource = server.resource(authorization.resource)
    if resource is None:
        raise OAuthError("invalid_grant", "The grant is not valid.", detail="resource_not_served")
    return resource

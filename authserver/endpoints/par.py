"""POST /par: a client pushes its authorization request: RFC 9126 §2, RFC 9449 §10.1."""

from authserver.app import AuthServer
from authserver.endpoints import on_their_way, proof_of_possession
from authserver.endpoints.client_authentication import authenticate
from authserver.message import Endpoint, Request, Response, json_response
from authserver.oauth import authorization, opaque, pushed_request
from authserver.oauth.errors import OAuthError
from authserver.oauth.pushed_request import PushedRequest


def endpoints(server: AuthServer) -> list[Endpoint]:
    """Return the endpoint where it is switched on."""
    if not server.settings.pushed_authorization_requests:
        return []
    return [Endpoint("/par", ("POST",), par, body="form")]


def par(server: AuthServer, request: Request) -> Response:
    """Check the request as /authorize does, keep it, and return its `request_uri`."""
    server.limiter.check_authorize(request.address)
    possession = proof_of_possession.read(server, request)
    client = authenticate(server, request, ask="anybody")
    if "request_uri" in request.params:
        raise OAuthError("invalid_request", "request_uri cannot be pushed.")
    proof_of_possession.check_request(server, request.params)
    checked = authorization.parse_request(
        request.params,
        client,
        authorization.find_redirect_uri(request.params, client),
        server.settings.resources,
    )
    checked = proof_of_possession.bound(checked, possession)
    request_uri = pushed_request.new_request_uri()
    expires_at = request.now + pushed_request.LIFETIME
    network = on_their_way.network_digest(request.address)
    pushed = PushedRequest(opaque.digest(request_uri), checked, network, expires_at)
    with server.store.write() as tx:
        on_their_way.check(server, tx, request.address, request.now)
        proof_of_possession.spend(tx, possession)
        tx.add_pushed_request(pushed)
    server.audit.emit(
        "authorization.pushed",
        now=request.now,
        request_id=request.id,
        client_id=client.client_id,
        resource=checked.resource,
        scope=" ".join(checked.scope),
    )
    answer = {"request_uri": request_uri, "expires_in": pushed_request.LIFETIME}
    nonce = proof_of_possession.next_nonce(server, possession, request.now)
    return json_response(answer, 201, nonce)

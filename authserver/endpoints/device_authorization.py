"""POST /device_authorization: a device asks, and gets a code for its user: RFC 8628 §3.1, §3.2."""

from authserver.app import AuthServer
from authserver.endpoints import on_their_way, proof_of_possession
from authserver.endpoints.client_authentication import authenticate
from authserver.message import Endpoint, Request, Response, json_response
from authserver.oauth import device_authorization, epoch, opaque
from authserver.oauth.authorization import AuthorizationRequest
from authserver.oauth.device_authorization import INTERVAL, LIFETIME, DeviceAuthorization
from authserver.oauth.dpop import Possession
from authserver.oauth.errors import OAuthError
from authserver.oauth.user_code import new_user_code

_TRIES = 5  # user codes; of a million at once, one in 25,000 is taken


def endpoints(server: AuthServer) -> list[Endpoint]:
    """Return the endpoint where it is switched on."""
    if not server.settings.device_authorization:
        return []
    # No device is a page, and a page that asks may be a fraud's in its victim's browser: the victim
    # would be shown their own address as the device's.
    return [Endpoint("/device_authorization", ("POST",), authorize_device, body="form", cors=False)]


def authorize_device(server: AuthServer, request: Request) -> Response:
    """Check the request as /authorize does, keep it, and return both codes."""
    server.limiter.check_authorize(request.address)
    possession = proof_of_possession.read(server, request)
    client = authenticate(server, request, ask="anybody")
    proof_of_possession.check_request(server, request.params)
    checked = device_authorization.parse_request(request.params, client, server.settings.resources)
    checked = proof_of_possession.bound(checked, possession)
    device_code = opaque.random_value(opaque.DEVICE_PREFIX)
    user_code = _keep(server, request, checked, possession, device_code)
    server.audit.emit(
        "device.requested",
        now=request.now,
        request_id=request.id,
        client_id=client.client_id,
        resource=checked.resource,
        scope=" ".join(checked.scope),
        address=request.address,
    )
    # No verification_uri_complete: who follows a link has typed nothing (docs/divergences.md).
    answer = {
        "device_code": device_code,
        "user_code": user_code,
        "verification_uri": f"{server.pages_url}/device",
        "expires_in": LIFETIME,
        "interval": INTERVAL,
    }
    return json_response(
        answer, headers=proof_of_possession.next_nonce(server, possession, request.now)
    )


def _keep(
    server: AuthServer,
    request: Request,
    checked: AuthorizationRequest,
    possession: Possession | None,
    device_code: str,
) -> str:
    """Store the request, and return the code for its user, which no other request has."""
    network = on_their_way.network_digest(request.address)
    with server.store.write() as tx:
        on_their_way.check(server, tx, request.address, request.now)
        proof_of_possession.spend(tx, possession)
        epochs = tx.epoch_sum((epoch.client(checked.client_id),))
        for _ in range(_TRIES):
            user_code = new_user_code()
            device = DeviceAuthorization(
                digest=opaque.digest(device_code),
                typed_digest=server.user_codes.digest(user_code),
                request=checked,
                address=request.address,
                network_digest=network,
                epochs=epochs,
                created_at=request.now,
                expires_at=request.now + LIFETIME,
            )
            if tx.add_device_authorization(device):
                return user_code
    raise OAuthError("temporarily_unavailable", "Too many devices ask; try again later.")

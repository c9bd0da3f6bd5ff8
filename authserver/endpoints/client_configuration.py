"""/register/CLIENT_ID: a client reads, updates and removes its registration: RFC 7592 §2."""

from dataclasses import replace

from authserver.app import AuthServer
from authserver.endpoints import register
from authserver.message import Endpoint, Request, Response, json_response
from authserver.oauth import client_update, opaque
from authserver.oauth.client import Client

PATH = "/register/<client_id>"


def endpoints(server: AuthServer) -> list[Endpoint]:
    """Return the endpoint where it is switched on."""
    policy = server.settings.registration
    if not (policy.enabled and policy.management):
        return []
    return [Endpoint(PATH, ("GET", "PUT", "DELETE"), manage, body="json")]


def manage(server: AuthServer, request: Request) -> Response:
    """Do what the holder of the registration token asks for; raises `invalid_token` for others.

    Who has no right to know hears the same of a client that is blocked, gone, or never was.
    """
    client_id = request.path.rpartition("/")[2]
    token = register.bearer_token(request)
    digest = opaque.digest(token)
    with server.store.read() as reads:
        client = reads.managed_client(client_id, digest)
    if client is None:
        server.limiter.count_failure(client_id, request.address)
        raise register.unauthorized("registration_token_of_another")
    if request.method == "DELETE":
        return _delete(server, client, digest, request)
    if request.method == "PUT":
        return _update(server, client, digest, request)
    return json_response(register.answer(server, client, None, token))


def _update(server: AuthServer, client: Client, digest: str, request: Request) -> Response:
    """Take the metadata anew, as a registration of today; the old token ends with it (§5)."""
    server.limiter.check_register(request.address)
    document = client_update.read(register.document(request.body), client)
    parsed = register.parse(server, document)
    client_update.check_kind(client, parsed)
    updated = replace(
        parsed,
        client_id=client.client_id,
        secret_digest=client.secret_digest,
        registered_at=client.registered_at,
    )
    token = opaque.random_value(opaque.REGISTRATION_PREFIX)
    with server.store.write() as tx:
        if not tx.update_client(updated, digest, opaque.digest(token)):
            raise register.unauthorized("registration_token_used")
    _emit(server, updated, request, "client.updated")
    return json_response(register.answer(server, updated, None, token))


def _delete(server: AuthServer, client: Client, digest: str, request: Request) -> Response:
    with server.store.write() as tx:
        if not tx.delete_managed_client(client.client_id, digest):
            raise register.unauthorized("registration_token_used")
    _emit(server, client, request, "client.deleted")
    return Response(204)


def _emit(server: AuthServer, client: Client, request: Request, event: str) -> None:
    server.audit.emit(
        event,
        now=request.now,
        request_id=request.id,
        client_id=client.client_id,
        client_name=client.client_name,
        address=request.address,
    )

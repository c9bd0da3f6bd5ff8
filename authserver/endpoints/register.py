"""POST /register: dynamic client registration: RFC 7591 §3."""

from authserver.app import AuthServer
from authserver.endpoints import open_registration
from authserver.message import Request, Response, json_response
from authserver.oauth import client as clients
from authserver.oauth import metadata, opaque, strict_json
from authserver.oauth.client import Client
from authserver.oauth.errors import OAuthError
from authserver.upstream import jwks


def register(server: AuthServer, request: Request) -> Response:
    """Register a client; open, limited, and public unless the client asks for a secret."""
    if request.header("authorization") is not None:
        # No initial access tokens are issued: one that is sent is wrong, never ignored.
        raise OAuthError("invalid_token", "Registration takes no access token here.")
    server.limiter.check_register(request.address)
    parsed = clients.parse(_document(request.body), server.settings.registration)
    if parsed.jwks is not None and not jwks.parse(parsed.jwks):
        raise OAuthError("invalid_client_metadata", "jwks holds no key that can be used.")
    client, secret = open_registration.register(server, parsed, request.now), None
    if client is None:
        client, secret = _with_a_row(server, parsed, request.now)
    server.audit.emit(
        "client.registered",
        now=request.now,
        request_id=request.id,
        client_id=client.client_id,
        client_name=client.client_name,
        address=request.address,
    )
    return json_response(_answer(server, client, secret), 201)


def _with_a_row(server: AuthServer, parsed: Client, now: int) -> tuple[Client, str | None]:
    secret = _new_secret(parsed)
    client = clients.registered(parsed, opaque.random_value("mcp-"), secret, now)
    with server.store.write() as tx:
        tx.add_client(client)
    return client, secret


def _document(body: bytes) -> dict[str, object]:
    try:
        return strict_json.parse_object(body)
    except ValueError as error:
        raise OAuthError(
            "invalid_client_metadata", "The body must be one JSON object.", detail=str(error)
        ) from None


def _new_secret(client: Client) -> str | None:
    if client.token_endpoint_auth_method in ("none", "private_key_jwt"):
        return None
    return opaque.random_value(opaque.SECRET_PREFIX)


def _answer(server: AuthServer, client: Client, secret: str | None) -> dict[str, object]:
    supported = metadata.scopes_supported(server.settings.resources)
    document = clients.echo(client, supported)
    if secret is not None:
        document["client_secret"] = secret
        document["client_secret_expires_at"] = 0
    return document

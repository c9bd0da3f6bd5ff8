"""POST /register: dynamic client registration: RFC 7591 §3, RFC 7592 §3."""

import hmac
from collections.abc import Mapping

from authserver.app import AuthServer
from authserver.endpoints import open_registration
from authserver.message import Endpoint, Request, Response, json_response
from authserver.oauth import client as clients
from authserver.oauth import metadata, opaque, stranger_url, strict_json
from authserver.oauth.client import Client
from authserver.oauth.errors import OAuthError
from authserver.upstream import jwks

_REALM = 'Bearer realm="authserver"'
_CHALLENGE = (("WWW-Authenticate", _REALM),)


def endpoints(server: AuthServer) -> list[Endpoint]:
    """Return the endpoint where clients may register."""
    if not server.settings.registration.enabled:
        return []
    return [Endpoint("/register", ("POST",), register, body="json")]


def register(server: AuthServer, request: Request) -> Response:
    """Register a client; limited, and public unless the client asks for a secret.

    Open to everybody, or with `initial_access_tokens` to who has one: there is no way around.
    """
    _check_initial_access(server, request)
    server.limiter.check_register(request.address)
    parsed = parse(server, document(request.body))
    client, secret = open_registration.register(server, parsed, request.now), None
    token = None
    if client is None:
        client, secret, token = _with_a_row(server, parsed, request.now)
    server.audit.emit(
        "client.registered",
        now=request.now,
        request_id=request.id,
        client_id=client.client_id,
        client_name=client.client_name,
        address=request.address,
    )
    return json_response(answer(server, client, secret, token), 201)


def parse(server: AuthServer, said: Mapping[str, object]) -> Client:
    """Return the client that metadata describes, by the rules of today."""
    parsed = clients.parse(said, server.settings.registration)
    alg, uri = parsed.token_endpoint_auth_signing_alg, parsed.jwks_uri
    if parsed.jwks is not None and not jwks.of_client(parsed.jwks, alg):
        raise OAuthError("invalid_client_metadata", "jwks holds no key that can be used.")
    url = None if uri is None else stranger_url.parse(uri)
    if url is not None and not server.settings.publishers.admits(url):
        raise OAuthError("invalid_client_metadata", "Nothing is fetched from that jwks_uri here.")
    return parsed


def document(body: bytes) -> dict[str, object]:
    """Return the metadata of a body; raises `invalid_client_metadata`."""
    try:
        return strict_json.parse_object(body)
    except ValueError as error:
        raise OAuthError(
            "invalid_client_metadata", "The body must be one JSON object.", detail=str(error)
        ) from None


def answer(
    server: AuthServer, client: Client, secret: str | None, token: str | None
) -> dict[str, object]:
    """Return what is registered; `token` is the one by which the client changes that."""
    said = clients.echo(client, metadata.scopes_supported(server.settings.resources))
    if secret is not None:
        said["client_secret"] = secret
        said["client_secret_expires_at"] = 0
    if token is not None:
        said["registration_client_uri"] = f"{server.issuer}/register/{client.client_id}"
        said["registration_access_token"] = token
    return said


def bearer_token(request: Request) -> str:
    """Return the token of a request (RFC 6750 §2.1); raises `invalid_token`, `invalid_request`."""
    authorization = request.header("authorization")
    if authorization is None:
        raise OAuthError(
            "invalid_token",
            "An access token is required here.",
            headers=_CHALLENGE,
        )
    scheme, separator, token = authorization.partition(" ")
    if not separator:
        raise OAuthError("invalid_request", "The Authorization header is not 'Bearer <token>'.")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthorized("not_a_bearer_token")
    return token.strip()


def unauthorized(detail: str) -> OAuthError:
    """Return the refusal of a token, the same for every reason."""
    return OAuthError(
        "invalid_token",
        "The access token is not valid here.",
        detail=detail,
        headers=(("WWW-Authenticate", f'{_REALM}, error="invalid_token"'),),
    )


def _check_initial_access(server: AuthServer, request: Request) -> None:
    digests = server.settings.registration.initial_access_token_digests
    if not digests:
        if request.header("authorization") is not None:
            # None is issued: one that is sent is wrong, never ignored.
            raise OAuthError(
                "invalid_token", "Registration takes no access token here.", headers=_CHALLENGE
            )
        return
    presented = clients.secret_digest(bearer_token(request))
    if not any([hmac.compare_digest(presented, each) for each in digests]):  # noqa: C419 - all
        server.limiter.count_failure("initial access token", request.address)
        raise unauthorized("initial_access_token")


def _with_a_row(
    server: AuthServer, parsed: Client, now: int
) -> tuple[Client, str | None, str | None]:
    secret = _new_secret(parsed)
    manages = server.settings.registration.management
    token = opaque.random_value(opaque.REGISTRATION_PREFIX) if manages else None
    client = clients.registered(parsed, opaque.random_value("mcp-"), secret, now)
    with server.store.write() as tx:
        tx.add_client(client, None if token is None else opaque.digest(token))
    return client, secret, token


def _new_secret(client: Client) -> str | None:
    if client.token_endpoint_auth_method in ("none", "private_key_jwt"):
        return None
    return opaque.random_value(opaque.SECRET_PREFIX)

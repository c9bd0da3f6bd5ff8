"""POST /token with client credentials: a token for the client itself: OAuth 2.1 §4.2."""

from authserver.app import AuthServer
from authserver.endpoints import access_tokens, status_list
from authserver.grants import client_credentials
from authserver.message import Request
from authserver.oauth import scope
from authserver.oauth.client import Client


def issue(server: AuthServer, client: Client, request: Request) -> dict[str, object]:
    """Return the answer: a token for one resource, and no refresh token (§4.2.2)."""
    now = request.now
    with server.store.read() as reads:
        authorization, resource = client_credentials.prove(server, reads, client, request.params)
    status = status_list.of_subject(server, resource, authorization.anchor, authorization.sub, now)
    lifetime = resource.access_token_lifetime
    token = access_tokens.mint(server, authorization, {}, lifetime=lifetime, status=status, now=now)
    granted = scope.join(authorization.scope)
    server.audit.emit(
        "token.issued",
        now=now,
        request_id=request.id,
        grant_type=client_credentials.GRANT_TYPE,
        client_id=client.client_id,
        sub=authorization.sub,
        resource=authorization.resource,
        scope=granted,
    )
    return {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": lifetime,
        "scope": granted,
    }

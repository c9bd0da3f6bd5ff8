"""POST /token with client credentials: a token for the client itself: OAuth 2.1 §4.2."""

from dataclasses import replace

from authserver.app import AuthServer
from authserver.endpoints import access_tokens, proof_of_possession, status_list
from authserver.grants import client_credentials
from authserver.message import Request
from authserver.oauth import binding, scope
from authserver.oauth.client import Client
from authserver.oauth.dpop import Possession


def issue(
    server: AuthServer, client: Client, possession: Possession | None, request: Request
) -> dict[str, object]:
    """Return the answer: a token for one resource, and no refresh token (§4.2.2)."""
    now = request.now
    with server.store.read() as reads:
        authorization, resource = client_credentials.prove(server, reads, client, request.params)
    required = resource.dpop_bound_access_tokens_required
    jkt = binding.bind(possession, bound_to=None, required=required)
    authorization = replace(authorization, jkt=jkt)
    proof_of_possession.spend_alone(server, possession)
    status = status_list.of_subject(server, resource, authorization.anchor, authorization.sub, now)
    lifetime = resource.access_token_lifetime
    token = access_tokens.mint(server, authorization, {}, lifetime=lifetime, status=status, now=now)
    server.audit.emit(
        "token.issued",
        now=now,
        request_id=request.id,
        grant_type=client_credentials.GRANT_TYPE,
        client_id=client.client_id,
        sub=authorization.sub,
        resource=authorization.resource,
        scope=scope.join(authorization.scope),
        bound=authorization.jkt is not None,
    )
    return access_tokens.answer(token, authorization, lifetime)

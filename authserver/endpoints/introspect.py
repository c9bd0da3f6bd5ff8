"""POST /introspect: whether a token holds, for those whom it concerns: RFC 7662 §2."""

from collections.abc import Mapping

from authserver.app import AuthServer
from authserver.endpoints.client_authentication import authenticate
from authserver.message import Request, Response, json_response
from authserver.oauth import anchor, binding, dpop, refresh_token, scope
from authserver.oauth.access_token import ACCESS_TOKEN_TYPE
from authserver.oauth.client import Client
from authserver.oauth.errors import OAuthError

# Ours alone: how a token ends, and whom a chain passed before.
_PRIVATE = frozenset({"grant_id", "anchor", "via", "status"})


def introspect(server: AuthServer, request: Request) -> Response:
    """Say whether a token holds now; who may not know hears that it does not (§2.2, §4).

    An access token concerns the own client of its resource, and a client of the configuration that
    it was issued to; a refresh token its own client.
    """
    client = authenticate(server, request)
    if client.token_endpoint_auth_method == "none":
        raise OAuthError("invalid_client", "Client authentication is required here.")
    token = request.params.require("token")
    document, reason = _access_token(server, client, token, request.now)
    if document is None and reason == "not_ours_or_expired":
        document, reason = _refresh_token(server, client, token, request.now)
    server.audit.emit(
        "token.introspected",
        now=request.now,
        request_id=request.id,
        client_id=client.client_id,
        active=document is not None,
        reason=reason,
    )
    return json_response({"active": False} if document is None else {"active": True, **document})


def _access_token(
    server: AuthServer, client: Client, token: str, now: int
) -> tuple[dict[str, object] | None, str]:
    claims = server.keys.verify(token, ACCESS_TOKEN_TYPE, now)
    if claims is None:
        return None, "not_ours_or_expired"
    if not _concerns(server, client, claims):
        return None, "not_of_this_client"
    with server.store.read() as reads:
        live = reads.live_token(anchor.read(claims), str(claims["sub"]), anchor.jtis(claims), now)
    if live is None:
        return None, "revoked"
    said = {name: value for name, value in claims.items() if name not in _PRIVATE}
    token_type = "Bearer" if binding.confirmed(claims) is None else dpop.TOKEN_TYPE
    return {**said, "token_type": token_type}, ""


def _concerns(server: AuthServer, client: Client, claims: Mapping[str, object]) -> bool:
    requester = server.settings.requesters.get(client.client_id)
    if requester is None:
        return False
    resource = server.resource(str(claims["aud"]))
    is_for = resource is not None and requester.resource == resource.key
    return is_for or claims["client_id"] == client.client_id


def _refresh_token(
    server: AuthServer, client: Client, token: str, now: int
) -> tuple[dict[str, object] | None, str]:
    presented = refresh_token.parse(token)
    with server.store.read() as reads:
        grant = reads.grant_by_handle(presented.handle) if presented else None
        if grant is None or presented is None:
            return None, "unknown"
        if not refresh_token.is_authentic(server.refresh_keys, presented, grant):
            return None, "not_authentic"
        if grant.client_id != client.client_id:
            return None, "not_of_this_client"
        is_current = refresh_token.judge(grant, presented.generation, now) == "current"
        if not is_current or now >= grant.idle_expires_at:
            return None, "spent_or_expired"
        if not reads.grant_is_live(grant.id, grant.epoch_subjects, now):
            return None, "revoked"
    return {
        "iss": server.issuer,
        "sub": grant.sub,
        "aud": grant.resource,
        "client_id": grant.client_id,
        "scope": scope.join(grant.scope),
        "iat": grant.rotated_at,
        "exp": min(grant.expires_at, grant.idle_expires_at),
    }, ""

"""POST /revoke: a client gives back what it has: RFC 7009 §2."""

from authserver.app import AuthServer
from authserver.endpoints.client_authentication import authenticate
from authserver.message import Request, Response
from authserver.oauth import refresh_token
from authserver.oauth.access_token import ACCESS_TOKEN_TYPE
from authserver.oauth.client import Client


def revoke(server: AuthServer, request: Request) -> Response:
    """End what the token stands for, where it is the client's own; 200 whatever it is (§2.2).

    With a refresh token its whole family ends, with an access token it alone, and with either what
    was exchanged from it. The hint is not needed: the two kinds look different.
    """
    # Giving something back must not depend on a host that does not answer.
    client = authenticate(server, request, ask="nobody")
    token = request.params.require("token")
    revoked = _revoke_grant(server, client, token, request.now)
    if revoked is None:
        revoked = _revoke_access_token(server, client, token, request.now)
    server.audit.emit(
        "token.revoked" if revoked else "token.not_revoked",
        now=request.now,
        request_id=request.id,
        client_id=client.client_id,
        what=revoked or "nothing_of_this_client",
    )
    return Response(200)


def _revoke_grant(server: AuthServer, client: Client, token: str, now: int) -> str | None:
    """End the family of a refresh token of any generation; None where it is none of the client."""
    presented = refresh_token.parse(token)
    if presented is None:
        return None
    with server.store.read() as reads:
        grant = reads.grant_by_handle(presented.handle)
    if grant is None or not refresh_token.is_authentic(server.refresh_keys, presented, grant):
        return None
    if grant.client_id != client.client_id:
        return None
    with server.store.write() as tx:
        tx.revoke_grant(grant.id, now)
    return f"grant {grant.id}"


def _revoke_access_token(server: AuthServer, client: Client, token: str, now: int) -> str | None:
    claims = server.keys.verify(token, ACCESS_TOKEN_TYPE, now)
    if claims is None or claims["client_id"] != client.client_id:
        return None
    with server.store.write() as tx:
        tx.revoke_token(str(claims["jti"]), int(str(claims["exp"])))
    return f"access_token {claims['jti']}"

"""The identity assertion (ID-JAG) that an exchange brings for another server: RFC 8693 §2.2.1."""

from authserver.app import AuthServer
from authserver.grants.token_exchange import Proof
from authserver.message import Request
from authserver.oauth import claim, downstream_server, opaque
from authserver.oauth.client import Client
from authserver.oauth.downstream_server import DownstreamServer
from authserver.oauth.errors import OAuthError
from authserver.oauth.identity_assertion import JWT_TYPE, TOKEN_TYPE


def issued_assertion(
    server: AuthServer,
    client: Client,
    proof: Proof,
    downstream: DownstreamServer,
    request: Request,
) -> dict[str, object]:
    """Return the answer: an assertion is no access token, so that its type is `N_A`.

    Raises `invalid_scope` where none is left, `invalid_target` where the other server does not
    know the requester, or has not the resource.
    """
    now = request.now
    if not proof.exchange.scope:  # to its reader, no scope may be the default one
        raise OAuthError("invalid_scope", "Nothing is left of the scope.")
    to = downstream_server.address(downstream, client.client_id, request.params.all("resource"))
    user_claims, _ = claim.for_token(proof.user, downstream.claims)
    claims = downstream_server.assertion_claims(
        proof.exchange,
        to,
        user_claims,
        issuer=server.issuer,
        jti=opaque.random_value(),
        now=now,
    )
    return {
        "access_token": server.keys.sign(JWT_TYPE, claims, now),
        "issued_token_type": TOKEN_TYPE,
        "token_type": "N_A",
        "expires_in": int(str(claims["exp"])) - now,
        "scope": claims["scope"],
    }

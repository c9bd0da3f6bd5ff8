"""What a spent grant brings: an access token, what renews it, and who signed in: RFC 6749 §5.1

OpenID Connect Core 1.0 §3.1.3.3.
"""

from dataclasses import dataclass

from authserver.app import AuthServer
from authserver.endpoints import access_tokens, status_list
from authserver.grants import Proof
from authserver.message import Request
from authserver.oauth import access_token, claim, refresh_token, scope
from authserver.oauth.client import Client
from authserver.oauth.client_metadata import DEVICE_CODE
from authserver.oauth.grant import Authorization, Grant
from authserver.oauth.resource import Resource

# After these the user has just signed in for the client: with `openid` it is told who they are.
_TELLS_WHO = ("authorization_code", DEVICE_CODE)


@dataclass(frozen=True, slots=True)
class Granted:
    """What was proven, narrowed to one token for one resource, and spent."""

    grant_type: str
    proof: Proof
    authorization: Authorization
    resource: Resource
    grant: Grant


def issue(
    server: AuthServer, client: Client, granted: Granted, request: Request
) -> dict[str, object]:
    """Return the answer of the token endpoint, and tell the audit."""
    now, authorization = request.now, granted.authorization
    user_claims, omitted = claim.for_token(granted.proof.user, granted.resource.claims)
    answer = _access_token(server, granted, user_claims, now)
    if "refresh_token" in client.grant_types:
        answer["refresh_token"] = refresh_token.issue(server.refresh_keys, granted.grant)
    if "openid" in authorization.scope and granted.grant_type in _TELLS_WHO:
        answer["id_token"] = _id_token(server, authorization, str(answer["access_token"]), now)
    server.audit.emit(
        "token.issued",
        now=now,
        request_id=request.id,
        grant_type=granted.grant_type,
        client_id=client.client_id,
        sub=authorization.sub,
        resource=authorization.resource,
        scope=scope.join(authorization.scope),
        grant_id=granted.grant.id,
        generation=granted.grant.generation,
        device_address=granted.proof.device_address,
        bound=authorization.jkt is not None,
        claims_omitted=" ".join(omitted),
    )
    return answer


def _access_token(
    server: AuthServer, granted: Granted, user_claims: dict[str, object], now: int
) -> dict[str, object]:
    resource, grant = granted.resource, granted.grant
    # A token never outlives the grant that it comes from.
    lifetime = min(resource.access_token_lifetime, max(grant.expires_at - now, 1))
    token = access_tokens.mint(
        server,
        granted.authorization,
        user_claims,
        lifetime=lifetime,
        status=status_list.of_grant(server, resource, grant, now),
        now=now,
    )
    return access_tokens.answer(token, granted.authorization, lifetime)


def _id_token(server: AuthServer, authorization: Authorization, token: str, now: int) -> str:
    claims = access_token.id_token_claims(
        authorization,
        issuer=server.issuer,
        access_token=token,
        alg=server.keys.signing_alg(now),
        now=now,
    )
    return server.keys.sign("JWT", claims, now)

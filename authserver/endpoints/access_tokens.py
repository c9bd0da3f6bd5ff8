"""The one place where access tokens are signed, and how they are handed out: RFC 9068 §2."""

from collections.abc import Mapping

from authserver.app import AuthServer
from authserver.oauth import access_token, dpop, opaque, scope
from authserver.oauth.grant import Authorization


def mint(
    server: AuthServer,
    authorization: Authorization,
    user_claims: Mapping[str, object],
    *,
    lifetime: int,
    status: Mapping[str, object] | None,
    now: int,
) -> str:
    """Return an access token of so many seconds; `status` is its place on the status list."""
    claims = access_token.access_token_claims(
        authorization,
        user_claims,
        issuer=server.issuer,
        lifetime=lifetime,
        jti=opaque.random_value(),
        now=now,
        status=status,
    )
    return server.keys.sign(access_token.ACCESS_TOKEN_TYPE, claims, now)


def answer(token: str, authorization: Authorization, lifetime: int) -> dict[str, object]:
    """Return the members of a token response (RFC 6749 §5.1, RFC 9449 §5)."""
    return {
        "access_token": token,
        "token_type": "Bearer" if authorization.jkt is None else dpop.TOKEN_TYPE,
        "expires_in": lifetime,
        "scope": scope.join(authorization.scope),
    }

"""The one place where access tokens are signed: RFC 9068 §2."""

from collections.abc import Mapping

from authserver.app import AuthServer
from authserver.oauth import access_token, opaque
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

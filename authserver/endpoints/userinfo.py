"""GET /userinfo: the claims of the granted scopes: OpenID Connect Core §5.3."""

from authserver.app import AuthServer
from authserver.message import Request, Response, json_response
from authserver.oauth import anchor, scope
from authserver.oauth.access_token import ACCESS_TOKEN_TYPE
from authserver.oauth.errors import OAuthError
from authserver.oauth.user import User

MAX_TOKEN = 8192


def userinfo(server: AuthServer, request: Request) -> Response:
    """Return `sub` and the claims of `profile` and `email` where they were granted.

    It takes our access token of a live grant with `openid`, whatever its `aud`.
    """
    claims = server.keys.verify(_bearer_token(request), ACCESS_TOKEN_TYPE, request.now)
    if claims is None:
        raise _invalid_token("token_not_ours_or_expired")
    granted = scope.parse(str(claims["scope"]))
    if "openid" not in granted:
        raise OAuthError(
            "insufficient_scope",
            "The token was not granted openid.",
            headers=(("WWW-Authenticate", 'Bearer error="insufficient_scope", scope="openid"'),),
        )
    root, jtis = anchor.read(claims), anchor.jtis(claims)
    with server.store.read() as reads:
        live = reads.live_token(root, str(claims["sub"]), jtis, request.now)
    if live is None or live.user is None:
        raise _invalid_token("revoked")
    return json_response(_claims(live.user, granted))


def _bearer_token(request: Request) -> str:
    authorization = request.header("authorization")
    if authorization is None:
        raise OAuthError(
            "invalid_token",
            "An access token is required.",
            headers=(("WWW-Authenticate", "Bearer"),),
        )
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip() or len(token) > MAX_TOKEN:
        raise OAuthError("invalid_request", "Authorization must be Bearer and one token.")
    return token.strip()


def _claims(user: User, granted: tuple[str, ...]) -> dict[str, object]:
    claims: dict[str, object] = {"sub": user.sub}
    if "profile" in granted and user.name:
        claims["name"] = user.name
    if "email" in granted and user.email:
        claims["email"] = user.email
        claims["email_verified"] = user.email_verified
    return claims


def _invalid_token(detail: str) -> OAuthError:
    return OAuthError(
        "invalid_token",
        "The access token is not valid.",
        detail=detail,
        headers=(("WWW-Authenticate", 'Bearer error="invalid_token"'),),
    )

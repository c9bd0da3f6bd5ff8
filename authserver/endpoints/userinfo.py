"""GET /userinfo: the claims of the granted scopes: OpenID Connect Core §5.3, RFC 9449 §7."""

import hmac
from collections.abc import Iterator
from contextlib import contextmanager

from authserver.app import AuthServer
from authserver.endpoints import proof_of_possession
from authserver.message import Headers, Request, Response, json_response
from authserver.oauth import anchor, binding, dpop, scope
from authserver.oauth.access_token import ACCESS_TOKEN_TYPE
from authserver.oauth.dpop import Possession
from authserver.oauth.errors import Code, OAuthError
from authserver.oauth.user import User

MAX_TOKEN = 8192


def userinfo(server: AuthServer, request: Request) -> Response:
    """Return `sub` and the claims of `profile` and `email` where they were granted.

    It takes our access token of a live grant with `openid`, whatever its `aud`; one that is bound
    to a key, with a proof of it.
    """
    scheme, token = _credentials(server, request)
    with _challenged():
        possession = _possession(server, request, token) if scheme == "dpop" else None
    claims = server.keys.verify(token, ACCESS_TOKEN_TYPE, request.now)
    if claims is None:
        raise _invalid_token("token_not_ours_or_expired", scheme)
    _check_binding(binding.confirmed(claims), possession, scheme)
    granted = scope.parse(str(claims["scope"]))
    if "openid" not in granted:
        raise _refused(
            "insufficient_scope", "The token was not granted openid.", scheme, scope="openid"
        )
    root, jtis = anchor.read(claims), anchor.jtis(claims)
    with _challenged():
        proof_of_possession.spend_alone(server, possession)
    with server.store.read() as reads:
        live = reads.live_token(root, str(claims["sub"]), jtis, request.now)
    if live is None or live.user is None:
        raise _invalid_token("revoked", scheme)
    nonce = proof_of_possession.next_nonce(server, possession, request.now)
    return json_response(_claims(live.user, granted), headers=nonce)


def _credentials(server: AuthServer, request: Request) -> tuple[str, str]:
    """Return the scheme in lower case, and the token."""
    schemes = {"bearer": "Bearer"}
    if server.settings.tokens.dpop:
        schemes["dpop"] = f'{dpop.TOKEN_TYPE} algs="{" ".join(dpop.ALGORITHMS)}"'
    authorization = request.header("authorization")
    if authorization is None:
        raise OAuthError(
            "invalid_token",
            "An access token is required.",
            headers=(("WWW-Authenticate", ", ".join(schemes.values())),),
        )
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() not in schemes or not token.strip() or len(token) > MAX_TOKEN:
        raise OAuthError("invalid_request", "Authorization must be a scheme of ours and one token.")
    return scheme.lower(), token.strip()


def _possession(server: AuthServer, request: Request, token: str) -> Possession:
    possession = proof_of_possession.read(server, request, access_token=token)
    if possession is None:
        raise dpop.refused("missing")
    return possession


@contextmanager
def _challenged() -> Iterator[None]:
    """Refuse a proof as a protected resource does: 401, with a challenge."""
    try:
        yield
    except OAuthError as error:
        refusal = _refused(error.code, error.description, "dpop", error.detail, error.headers)
    else:
        return
    raise refusal


def _check_binding(bound_to: str | None, possession: Possession | None, scheme: str) -> None:
    """What is bound needs its proof, and is no bearer token; what is not needs none."""
    proved = None if possession is None else possession.jkt
    if bound_to is None and proved is None:
        return
    if not hmac.compare_digest(bound_to or "", proved or "-"):
        raise _invalid_token("bound_to_another_key", scheme)


def _claims(user: User, granted: tuple[str, ...]) -> dict[str, object]:
    claims: dict[str, object] = {"sub": user.sub}
    if "profile" in granted and user.name:
        claims["name"] = user.name
    if "email" in granted and user.email:
        claims["email"] = user.email
        claims["email_verified"] = user.email_verified
    return claims


def _invalid_token(detail: str, scheme: str) -> OAuthError:
    return _refused("invalid_token", "The access token is not valid.", scheme, detail)


def _refused(
    code: Code,
    description: str,
    scheme: str,
    detail: str = "",
    headers: Headers = (),
    **more: str,
) -> OAuthError:
    """Return the refusal of a protected resource, with the challenge of the scheme (§7.1)."""
    members = {"error": code, **more}
    if scheme == "dpop":
        members["algs"] = " ".join(dpop.ALGORITHMS)
    name = dpop.TOKEN_TYPE if scheme == "dpop" else "Bearer"
    challenge = ", ".join(f'{each}="{value}"' for each, value in members.items())
    return OAuthError(
        code,
        description,
        detail=detail,
        status=403 if code == "insufficient_scope" else 401,
        headers=(*headers, ("WWW-Authenticate", f"{name} {challenge}")),
    )

"""The claims of access and ID tokens: RFC 9068 §2.2, RFC 8693 §4.1, RFC 9449 §6, OIDC Core §2."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping

from authserver.oauth import act, scope
from authserver.oauth.grant import Authorization

ACCESS_TOKEN_TYPE = "at+jwt"
ID_TOKEN_LIFETIME = 300

_AT_HASH = {"ES256": hashlib.sha256, "RS256": hashlib.sha256, "EdDSA": hashlib.sha512}


def access_token_claims(
    authorization: Authorization,
    user_claims: Mapping[str, object],
    *,
    issuer: str,
    lifetime: int,
    jti: str,
    now: int,
    status: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Return the claims of an access token: `aud` is one string, the resource as registered.

    `user_claims` are what the resource asks for beside ours; none of them replaces one of ours.
    `status` is its place on the status list. `via` is our own: what each audience of the chain
    could do, and with which tokens this falls.
    """
    claims: dict[str, object] = {
        **user_claims,
        "iss": issuer,
        "sub": authorization.sub,
        "aud": authorization.resource,
        "client_id": authorization.client_id,
        "scope": scope.join(authorization.scope),
        "iat": now,
        "exp": now + lifetime,
        "jti": jti,
        **authorization.anchor.claims(),
        **_history(authorization),
    }
    if authorization.jkt is not None:
        claims["cnf"] = {"jkt": authorization.jkt}
    if status is not None:
        claims["status"] = status
    return claims


def id_token_claims(
    authorization: Authorization, *, issuer: str, access_token: str, alg: str, now: int
) -> dict[str, object]:
    """Return the claims of an ID token: `aud` is the client, bound to nonce and access token."""
    claims: dict[str, object] = {
        "iss": issuer,
        "sub": authorization.sub,
        "aud": authorization.client_id,
        "iat": now,
        "exp": now + ID_TOKEN_LIFETIME,
        "auth_time": authorization.auth_time,
        "at_hash": _at_hash(access_token, alg),
    }
    if authorization.nonce is not None:
        claims["nonce"] = authorization.nonce
    return claims


def _history(authorization: Authorization) -> dict[str, object]:
    """Return what led to this token, as far as there is something to say."""
    claims: dict[str, object] = {}
    if authorization.auth_time is not None:
        claims["auth_time"] = authorization.auth_time
    if authorization.actors:
        claims["act"] = act.claim(authorization.actors)
    if authorization.via:
        claims["via"] = [link.claim() for link in authorization.via]
    return claims


def _at_hash(access_token: str, alg: str) -> str:
    digest = _AT_HASH[alg](access_token.encode()).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()

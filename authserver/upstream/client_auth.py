"""How we prove ourselves at the token endpoint: RFC 6749 §2.3.1, RFC 7523 §2.2, §3"""

import json
import secrets
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import quote_plus

from joserfc import jws

from authserver.settings import OidcUpstream, Upstream

ASSERTION_LIFETIME = 60  # seconds; some providers refuse more than five minutes
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def authenticate(
    settings: Upstream, token_endpoint: str, now: int
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return the headers and the form members that authenticate one token request."""
    named = {"client_id": settings.client_id}
    secret = settings.client_secret or ""
    if settings.client_auth == "client_secret_basic":
        # Both halves are form-encoded first: a colon or a percent sign would change its meaning.
        pair = f"{quote_plus(settings.client_id)}:{quote_plus(secret)}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}, {}
    if settings.client_auth == "client_secret_post":
        return {}, {**named, "client_secret": secret}
    if settings.client_auth == "private_key_jwt" and isinstance(settings, OidcUpstream):
        signed = assertion(settings, token_endpoint, now)
        return {}, {**named, "client_assertion_type": _ASSERTION_TYPE, "client_assertion": signed}
    return {}, named


def assertion(settings: OidcUpstream, token_endpoint: str, now: int) -> str:
    """Return a client assertion, good for one minute and one use."""
    key = settings.client_key
    if key is None:
        raise ValueError("private_key_jwt is configured without its key")
    to_issuer = settings.client_assertion_audience == "issuer"
    claims = {
        "iss": settings.client_id,
        "sub": settings.client_id,
        "aud": settings.issuer if to_issuer else token_endpoint,
        "jti": secrets.token_urlsafe(24),
        "iat": now,
        "exp": now + ASSERTION_LIFETIME,
    }
    header = {"alg": key.alg, "typ": "JWT", "kid": key.kid}
    if key.x5t is not None:
        header["x5t#S256"] = key.x5t
    registry = jws.JWSRegistry(algorithms=[key.alg])
    payload = json.dumps(claims).encode()
    return jws.serialize_compact(header, payload, key.private, registry=registry)

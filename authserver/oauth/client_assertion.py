"""A client proves itself with a key of its own: RFC 7523 §3, RFC 7521 §4.2, RFC 8725 §3."""

import hashlib
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import Key
from joserfc.jws import JWSRegistry

from authserver.oauth.errors import OAuthError
from authserver.oauth.strict_json import parse_object

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ("ES256", "ES384", "PS256", "RS256", "EdDSA")
MAX_LENGTH = 8192
MAX_LIFETIME = 300  # seconds from now to `exp`, and from `iat` to now
LEEWAY = 30
_JWT_TYPES = ("jwt", "client-authentication+jwt")
_END_OF_TIME = 2**53


@dataclass(frozen=True, slots=True)
class ProvenAssertion:
    """An assertion that is right but for its `jti`, which is good once until `expires_at`."""

    digest: str
    expires_at: int


class _Registry(jws.JWSRegistry):
    max_header_length = 4096

    def get_alg(self, name: str) -> Any:  # noqa: ANN401  (joserfc's own type is not exported)
        """Return a pinned algorithm without the warning that "EdDSA" now has a newer name."""
        if name not in (self.allowed or ()):
            raise JoseError
        return self.algorithms[name]


def subject(assertion: str) -> str:
    """Return whose assertion it says to be, before anything is proved; raises `invalid_client`."""
    claims = _object(assertion.split(".")[1]) if assertion.count(".") == 2 else {}
    sub = claims.get("sub")
    if not isinstance(sub, str) or not sub or len(assertion) > MAX_LENGTH:
        raise refused("malformed")
    return sub


def prove(
    assertion: str,
    client_id: str,
    keys: tuple[Key, ...],
    issuer: str,
    now: int,
    *,
    alg: str | None = None,
) -> ProvenAssertion:
    """Check signature and claims of a client's assertion; raises `invalid_client`.

    `issuer` is ours, the one audience that is accepted; `alg` is the client's, None for any.
    """
    claims = _verified(assertion, keys, (alg,) if alg else ALGORITHMS)
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise refused("iss_or_sub")
    if claims.get("aud") not in (issuer, [issuer]):
        raise refused("aud")
    expires_at = _moment(claims.get("exp"))
    issued_at, not_before = (_moment(claims.get(name, now)) for name in ("iat", "nbf"))
    if expires_at is None or issued_at is None or not_before is None:
        raise refused("exp_iat_or_nbf_malformed")
    if now >= expires_at + LEEWAY or expires_at > now + MAX_LIFETIME + LEEWAY:
        raise refused("expired_or_too_long")
    if not now - MAX_LIFETIME - LEEWAY <= issued_at <= now + LEEWAY or not_before > now + LEEWAY:
        raise refused("not_of_now")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= 512:
        raise refused("jti")
    digest = hashlib.sha256(f"{client_id}\0{jti}".encode("utf-8", "replace")).hexdigest()
    return ProvenAssertion(digest, expires_at + LEEWAY)


def refused(detail: str) -> OAuthError:
    """Return the refusal, the same for every reason."""
    return OAuthError(
        "invalid_client", "Client authentication failed.", detail=f"assertion_{detail}"
    )


def fits(key: Key, alg: str) -> bool:
    """Say whether a key is meant for verifying what an algorithm of ours signed."""
    try:
        JWSRegistry.algorithms[alg].check_key(key)
        key.check_key_op("verify")
    except (JoseError, TypeError):
        return False
    return alg != "EdDSA" or getattr(key, "curve_name", None) == "Ed25519"


def key_id(assertion: str) -> str | None:
    """Return the `kid` that an assertion names, before anything is proved."""
    kid = _object(assertion.partition(".")[0]).get("kid")
    return kid if isinstance(kid, str) else None


def _verified(
    assertion: str, keys: tuple[Key, ...], algorithms: tuple[str, ...]
) -> Mapping[str, object]:
    """Return what one of the client's own keys signed; what the header brings along is no key."""
    header = _object(assertion.split(".", maxsplit=1)[0])
    alg, kid, typ = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") not in _JWT_TYPES:
        raise refused("typ")  # a token of another kind, made with the same key
    if alg not in algorithms or "crit" in header or "b64" in header:
        raise refused("alg_or_header")
    key = _signer(keys, str(alg), kid)
    registry = _Registry(algorithms=[str(alg)], strict_check_header=False)
    try:
        return parse_object(jws.deserialize_compact(assertion, key, registry=registry).payload)
    except (JoseError, ValueError, TypeError):
        raise refused("signature") from None


def _signer(keys: tuple[Key, ...], alg: str, kid: object) -> Key:
    """Return the one key that may have signed: several are not tried, it takes a `kid` then."""
    fitting = [key for key in keys if fits(key, alg)]
    named = [key for key in fitting if kid is not None and key.kid == kid]
    found = named or [key for key in fitting if kid is None or key.kid is None]
    if len(found) != 1:
        raise refused("key_ambiguous" if found else "key_unknown")
    return found[0]


def _object(segment: str) -> dict[str, object]:
    try:
        return parse_object(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except ValueError:
        raise refused("malformed") from None


def _moment(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < _END_OF_TIME else None

"""A public key that a stranger sends along, and its thumbprint: RFC 7517 §4, RFC 7638 §3."""

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

# The members that make a public key, and all that are hashed for its thumbprint (RFC 7638 §3.2).
_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}
_KEY_OF_ALGORITHM = {
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "PS256": ("RSA", None),
    "RS256": ("RSA", None),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}
ALGORITHMS = tuple(_KEY_OF_ALGORITHM)
PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_IMPORT: Mapping[str, type[ECKey | OKPKey | RSAKey]] = {"EC": ECKey, "OKP": OKPKey, "RSA": RSAKey}
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+\Z")
_RSA_MODULUS = (342, 1366)  # characters of base64url: 2048 to 8192 bits


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key that fits an algorithm, and its SHA-256 thumbprint in base64url."""

    key: Key = field(repr=False)
    thumbprint: str


def read(jwk: object, alg: str) -> PublicKey | None:
    """Return the key where it is a public one for this algorithm, None for anything else.

    What a key says beside its members, its `kid` or `x5c`, is not looked at.
    """
    if not isinstance(jwk, Mapping) or PRIVATE & jwk.keys():
        return None
    kty, crv = _KEY_OF_ALGORITHM.get(alg, (None, None))
    if kty is None or jwk.get("kty") != kty or (crv is not None and jwk.get("crv") != crv):
        return None
    members = {name: jwk.get(name) for name in _MEMBERS[kty]}
    if not all(_is_member(name, value) for name, value in members.items()):
        return None
    plain = {name: str(value) for name, value in members.items()}
    try:
        key = _IMPORT[kty].import_key({**plain})
    except (JoseError, ValueError, TypeError):
        return None
    return PublicKey(key, thumbprint(plain))


def thumbprint(members: Mapping[str, str]) -> str:
    """Return the SHA-256 thumbprint of the members that make a public key (RFC 7638 §3)."""
    text = ",".join(f'"{name}":"{members[name]}"' for name in sorted(members))
    digest = hashlib.sha256(f"{{{text}}}".encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def _is_member(name: str, value: object) -> bool:
    if not isinstance(value, str) or not _BASE64URL.match(value):
        return False
    least, most = _RSA_MODULUS if name == "n" else (1, 100)
    return least <= len(value) <= most

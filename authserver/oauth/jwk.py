"""A public key that a stranger sends along, and its thumbprint: RFC 7517 §4, RFC 7638 §3."""

import hashlib
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
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
_BASE64URL = re.compile(r"(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2,3})?\Z")
# How many octets a coordinate has, and the number that it stays below: the prime of its field.
_FIELD = {
    "P-256": (32, 2**256 - 2**224 + 2**192 + 2**96 - 1),
    "P-384": (48, 2**384 - 2**128 - 2**96 + 2**32 - 1),
    "P-521": (66, 2**521 - 1),
    "Ed25519": (32, 2**255 - 19),
}
_MODULUS_BITS = range(2048, 8192 + 1)
_EXPONENTS = range(3, 2**32, 2)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key that fits an algorithm, and its SHA-256 thumbprint in base64url."""

    key: Key = field(repr=False)
    thumbprint: str


def read(jwk: object, alg: str) -> PublicKey | None:
    """Return the key where it is a public one for this algorithm, None for anything else.

    Its members are in their one spelling, so that a key has one thumbprint. What it says beside
    them, its `kid` or `x5c`, is not looked at.
    """
    if not isinstance(jwk, Mapping) or PRIVATE & jwk.keys():
        return None
    kty, crv = _KEY_OF_ALGORITHM.get(alg, (None, None))
    if kty is None or jwk.get("kty") != kty or (crv is not None and jwk.get("crv") != crv):
        return None
    members = {name: jwk.get(name) for name in _MEMBERS[kty]}
    if not (_is_rsa(members) if crv is None else _is_point(members, crv)):
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
    return _encoded(hashlib.sha256(f"{{{text}}}".encode()).digest())


def _is_rsa(members: Mapping[str, object]) -> bool:
    """Judge the integers: neither begins with an octet that is zero (RFC 7518 §2, §6.3.1)."""
    modulus, exponent = _octets(members["n"]), _octets(members["e"])
    if b"\0" in (modulus[:1], exponent[:1]):
        return False
    number = int.from_bytes(modulus)
    in_bounds = number.bit_length() in _MODULUS_BITS and int.from_bytes(exponent) in _EXPONENTS
    return in_bounds and number % 2 == 1


def _is_point(members: Mapping[str, object], crv: str) -> bool:
    """Judge the coordinates: whole octets of the curve, and below its prime (RFC 7518 §6.2.1.2).

    Whether the point is on the curve is seen when it is imported.
    """
    length, prime = _FIELD[crv]
    coordinates = [_octets(members[name]) for name in ("x", "y") if name in members]
    if not all(len(each) == length for each in coordinates):
        return False
    if crv == "Ed25519":  # the number is the other way round, under the sign of x (RFC 8032 §5.1.2)
        return int.from_bytes(coordinates[0], "little") % 2**255 < prime
    return all(int.from_bytes(each) < prime for each in coordinates)


def _octets(value: object) -> bytes:
    """Return what base64url stands for; nothing where it is not in its one spelling."""
    if not isinstance(value, str) or not _BASE64URL.match(value):
        return b""
    octets = urlsafe_b64decode(value + "=" * (-len(value) % 4))
    return octets if _encoded(octets) == value else b""


def _encoded(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()

"""The public keys of an issuer, key by key. RFC 7517 §4, §5"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

PublicKey = ECKey | OKPKey | RSAKey

# Only asymmetric algorithms: with a symmetric one the public key would be the secret.
KEY_OF_ALGORITHM: Mapping[str, tuple[str, str | None]] = {
    "ES256": ("EC", "P-256"),
    "RS256": ("RSA", None),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}
_PUBLIC_MEMBERS = {
    "EC": ("kty", "crv", "x", "y"),
    "OKP": ("kty", "crv", "x"),
    "RSA": ("kty", "n", "e"),
}
_SECRET_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_MAX_KEYS = 64


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """One key that may verify signatures; `algorithm` where its owner pinned it to one."""

    key: PublicKey
    kind: tuple[str, str | None]
    algorithm: str | None

    def fits(self, algorithm: str) -> bool:
        """Say whether a signature of this algorithm may be checked with this key."""
        return self.kind == KEY_OF_ALGORITHM[algorithm] and self.algorithm in (None, algorithm)


def import_keys(document: Mapping[str, object]) -> dict[str, VerificationKey]:
    """Return the usable keys of a JWKS document by `kid`; raises ValueError where there is none.

    One key that cannot be used does not take the others with it.
    """
    entries = document.get("keys")
    if not isinstance(entries, list):
        raise ValueError("the document has no list of keys")  # noqa: TRY004  (a bad document)
    keys: dict[str, VerificationKey] = {}
    for kid, key in _usable(entries[:_MAX_KEYS]):
        keys.setdefault(kid, key)
    if not keys:
        raise ValueError("the document has no usable key")
    return keys


def _usable(entries: Iterable[object]) -> Iterable[tuple[str, VerificationKey]]:
    for entry in entries:
        if not isinstance(entry, dict) or not _is_for_verification(entry):
            continue
        kid, key = entry.get("kid"), _import(entry)
        if isinstance(kid, str) and key is not None:
            yield kid, key


def _is_for_verification(entry: Mapping[str, object]) -> bool:
    operations = entry.get("key_ops", ["verify"])
    return (
        entry.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        # A private key that was published is no longer anybody's own.
        and not _SECRET_MEMBERS & entry.keys()
    )


def _import(entry: Mapping[str, object]) -> VerificationKey | None:
    kind = _kind(entry)
    algorithm = entry.get("alg")
    if kind is None or not (algorithm is None or isinstance(algorithm, str)):
        return None
    members = {name: entry.get(name) for name in _PUBLIC_MEMBERS[kind[0]]}
    if not all(isinstance(value, str) for value in members.values()):
        return None
    try:
        key = import_key({name: str(value) for name, value in members.items()})
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return VerificationKey(key, kind, algorithm) if isinstance(key, PublicKey) else None


def _kind(entry: Mapping[str, object]) -> tuple[str, str | None] | None:
    kind = (entry.get("kty"), entry.get("crv") if entry.get("kty") != "RSA" else None)
    known = next((each for each in KEY_OF_ALGORITHM.values() if each == kind), None)
    if known == ("RSA", None) and not _is_long_enough(entry.get("n")):
        return None
    return known


def _is_long_enough(modulus: object) -> bool:
    # 2048 bits are 342 characters of base64url; joserfc only warns (RFC 7518 §3.3: MUST).
    return isinstance(modulus, str) and 342 <= len(modulus) <= 1366

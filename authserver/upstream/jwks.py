"""The provider's signing keys: RFC 7517 §5, OpenID Connect Core 1.0 §10.1"""

from collections.abc import Mapping

from cryptography.exceptions import UnsupportedAlgorithm
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from authserver.upstream.errors import UpstreamUnavailable
from authserver.upstream.session import Deadline, UpstreamSession

# No "oct": what the whole world can read verifies nothing.
_KEY_TYPES: Mapping[object, type[RSAKey] | type[ECKey] | type[OKPKey]] = {
    "RSA": RSAKey,
    "EC": ECKey,
    "OKP": OKPKey,
}
_MIN_RSA_BITS = 2048
MAX_KEYS = 100  # of a set: each is imported, and without a kid each is tried


def fetch(jwks_uri: str, session: UpstreamSession, deadline: Deadline) -> tuple[Key, ...]:
    """Fetch the public keys; raises UpstreamUnavailable where there is no usable one."""
    answer = session.get("jwks", jwks_uri, deadline)
    if answer.status != 200:
        raise UpstreamUnavailable(f"jwks: the answer is {answer.status}")
    keys = parse(answer.json_object())
    if not keys:
        raise UpstreamUnavailable("jwks: no usable key")
    return keys


def parse(document: Mapping[str, object]) -> tuple[Key, ...]:
    """Import a set key by key, so that one of an unknown kind does not cost the others.

    What comes after `MAX_KEYS` is not looked at.
    """
    members = document.get("keys")
    if not isinstance(members, list):
        return ()
    return tuple(key for member in members[:MAX_KEYS] if (key := _import(member)) is not None)


def candidates(keys: tuple[Key, ...], kid: str | None, alg: str) -> tuple[Key, ...]:
    """Return the keys that may have signed: with that kid (or any, without one) and fit for alg."""
    return tuple(key for key in keys if (kid is None or key.kid == kid) and _fits(key, alg))


def _import(member: object) -> Key | None:
    if not isinstance(member, dict):
        return None
    try:
        key_type = _KEY_TYPES.get(member.get("kty"))
        key = key_type.import_key(member) if key_type is not None else None
    # What joserfc and cryptography raise for members of wrong type, curve or size.
    except (JoseError, SecurityWarning, UnsupportedAlgorithm, ArithmeticError):
        return None
    except (AttributeError, LookupError, TypeError, ValueError):
        return None
    if isinstance(key, RSAKey) and key.public_key.key_size < _MIN_RSA_BITS:
        return None
    return key


def _fits(key: Key, alg: str) -> bool:
    try:
        JWSRegistry.algorithms[alg].check_key(key)
        key.check_key_op("verify")
    except (JoseError, LookupError):
        return False
    return True

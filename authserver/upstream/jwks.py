"""The signing keys of others, the provider's and clients': RFC 7517 §5, OIDC Core 1.0 §10.1

Whose they are decides what verifying costs us: a number that is too long, or a set of many, is
work for each signature that somebody sends.
"""

from collections.abc import Mapping

from cryptography.exceptions import UnsupportedAlgorithm
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from authserver.oauth import client_assertion, client_keys, jwk
from authserver.upstream.errors import UpstreamUnavailable
from authserver.upstream.session import Deadline, UpstreamSession

# No "oct": what the whole world can read verifies nothing.
_KEY_TYPES: Mapping[object, type[RSAKey] | type[ECKey] | type[OKPKey]] = {
    "RSA": RSAKey,
    "EC": ECKey,
    "OKP": OKPKey,
}
_RSA_BITS = range(2048, 4096 + 1)
_MAX_EXPONENT = 2**32
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


def of_client(document: Mapping[str, object], alg: str | None) -> tuple[Key, ...]:
    """Return the keys of a client that can verify its assertions, with `alg` or with any.

    Of a set that is larger than a client needs there is none.
    """
    members = document.get("keys")
    if not isinstance(members, list) or len(members) > client_keys.MAX_KEYS:
        return ()
    algs = (alg,) if alg else client_assertion.ALGORITHMS
    return tuple(
        key for key in parse(document) if any(client_assertion.fits(key, each) for each in algs)
    )


def candidates(keys: tuple[Key, ...], kid: str | None, alg: str) -> tuple[Key, ...]:
    """Return the keys that may have signed: with that kid (or any, without one) and fit for alg."""
    return tuple(key for key in keys if (kid is None or key.kid == kid) and _fits(key, alg))


def _import(member: object) -> Key | None:
    if not isinstance(member, dict) or jwk.PRIVATE & member.keys():
        return None  # who publishes the private part has no key any more
    try:
        key_type = _KEY_TYPES.get(member.get("kty"))
        key = key_type.import_key(member) if key_type is not None else None
    # What joserfc and cryptography raise for members of wrong type, curve or size.
    except (JoseError, SecurityWarning, UnsupportedAlgorithm, ArithmeticError):
        return None
    except (AttributeError, LookupError, TypeError, ValueError):
        return None
    return None if isinstance(key, RSAKey) and not _is_quick(key) else key


def _is_quick(key: RSAKey) -> bool:
    """Say whether a key is safe and its signatures are verified quickly, by its numbers."""
    numbers = key.public_key.public_numbers()
    is_odd = numbers.e % 2 == 1
    return is_odd and numbers.e < _MAX_EXPONENT and numbers.n.bit_length() in _RSA_BITS


def _fits(key: Key, alg: str) -> bool:
    try:
        JWSRegistry.algorithms[alg].check_key(key)
        key.check_key_op("verify")
    except (JoseError, LookupError):
        return False
    return True

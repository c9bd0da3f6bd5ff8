"""A client's public keys, in a file of their own: RFC 7517 §5, RFC 7518 §3.3"""

from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from authserver.oauth import stranger_url
from authserver.oauth.strict_json import parse_object
from authserver.settings import secret
from authserver.settings.origin import Origin
from authserver.settings.problem import wrong

_KINDS: dict[object, type[RSAKey] | type[ECKey] | type[OKPKey]] = {
    "RSA": RSAKey,
    "EC": ECKey,
    "OKP": OKPKey,
}
_CURVES = ("P-256", "P-384", "Ed25519")
_MIN_RSA_BITS = 2048
_MAX_KEYS = 20
_REMEDY = "name a file with a JSON Web Key Set of public RSA (2048 bits), EC or Ed25519 keys"


def read_jwks(value: object, origin: Origin) -> tuple[Key, ...] | None:
    """Return the keys of a set that a reference names; one that cannot be used is a mistake."""
    if value is None:
        return None
    if not isinstance(value, str) or not value.startswith(("file:", "env:")):
        raise wrong(
            "must not be written into the configuration",
            'write "file:/path" of a JSON Web Key Set, or the URL of one as jwks_uri',
        )
    text = secret.read_bytes(value, origin)
    try:
        members = parse_object(text).get("keys")
    except ValueError:
        raise wrong("names no JSON Web Key Set", _REMEDY) from None
    if not isinstance(members, list) or not 0 < len(members) <= _MAX_KEYS:
        raise wrong(f"names a set without 1 to {_MAX_KEYS} keys", _REMEDY)
    return tuple(_key(member) for member in members)


def read_jwks_uri(value: object, _origin: Origin) -> str | None:
    """Return where keys are published; a URL that would not be fetched is a mistake."""
    if value is None:
        return None
    if not isinstance(value, str) or stranger_url.parse(value) is None:
        raise wrong(
            "is not a URL of keys", 'write one like "https://app.example.com/jwks.json", no query'
        )
    return value


def _key(member: object) -> Key:
    kind = _KINDS.get(member.get("kty")) if isinstance(member, dict) else None
    if kind is None or not isinstance(member, dict):
        raise wrong("names a set with a key of another kind", _REMEDY)
    try:
        key = kind.import_key(dict(member))
    except (JoseError, SecurityWarning, ValueError, TypeError, KeyError):
        raise wrong("names a set with a key that cannot be used", _REMEDY) from None
    if key.is_private:
        raise wrong("names a set with a private key", "leave the private part with its owner")
    if isinstance(key, RSAKey):
        fits = key.raw_value.key_size >= _MIN_RSA_BITS
    else:
        fits = key.curve_name in _CURVES
    if not fits:
        raise wrong("names a set with a key that is too short or of another curve", _REMEDY)
    return key

"""Our private key at the provider, a secret in PEM: RFC 7468 §10, RFC 7638, RFC 7515 §4.1.8"""

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey

from authserver.settings import secret
from authserver.settings.origin import Origin, Read
from authserver.settings.problem import wrong
from authserver.settings.upstream import AssertionAlgorithm, ClientKey, PrivateKey

_REMEDY = "name a PEM file with an RSA (2048 bits or more), EC or Ed25519 private key"
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_KINDS: tuple[type[RSAKey] | type[ECKey] | type[OKPKey], ...] = (RSAKey, ECKey, OKPKey)
_ALGS: Mapping[str, tuple[AssertionAlgorithm, ...]] = {
    "RSA": ("RS256", "PS256"),
    "P-256": ("ES256",),
    "P-384": ("ES384",),
    "Ed25519": ("EdDSA",),
}
_MIN_RSA_BITS = 2048


def algorithms(key: PrivateKey) -> tuple[AssertionAlgorithm, ...]:
    """Return what the key can sign with, the usual one first; none for keys of other use."""
    if isinstance(key, RSAKey):
        return _ALGS["RSA"] if key.raw_value.key_size >= _MIN_RSA_BITS else ()
    return _ALGS.get(key.curve_name, ())


def read_client_key(value: object, origin: Origin) -> ClientKey | None:
    """Return the key of a PEM that a reference names; a certificate beside it is noted."""
    if value is None:
        return None
    pem = secret.read_bytes(value, origin)
    private = _private_key(pem)
    algs = algorithms(private) if private is not None else ()
    if private is None or not algs:
        raise wrong("names no private key that can sign", _REMEDY)
    return ClientKey(private.thumbprint(), algs[0], private, _thumbprint(pem))


OPTIONAL_CLIENT_KEY = Read("secret", read_client_key)


def _private_key(pem: bytes) -> PrivateKey | None:
    for kind in _KINDS:
        try:
            key = kind.import_key(_CERTIFICATE.sub(b"", pem))
        except (JoseError, SecurityWarning, ValueError, TypeError):
            continue
        return key if key.is_private else None
    return None


def _thumbprint(pem: bytes) -> str | None:
    found = _CERTIFICATE.search(pem)
    if found is None:
        return None
    try:
        certificate = x509.load_pem_x509_certificate(found[0])
    except ValueError:
        raise wrong("holds a certificate that cannot be read", "leave it out") from None
    digest = certificate.fingerprint(hashes.SHA256())
    return urlsafe_b64encode(digest).rstrip(b"=").decode()

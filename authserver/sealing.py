"""Encryption at rest: AES-256-GCM with key ids and associated data: RFC 5116 §5.2, RFC 5869."""

import binascii
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from authserver.oauth.dpop_nonce import Nonces
from authserver.oauth.refresh_token import RefreshKeys
from authserver.oauth.signed_client import ClientIdKeys
from authserver.oauth.user_code import UserCodes

MIN_SECRET_LENGTH = 32

_VERSION = "v1"
_NONCE_LENGTH = 12
_SEALED = re.compile(rf"{_VERSION}:([0-9a-f]{{8}}):([A-Za-z0-9_-]+)")


class UnknownKey(Exception):
    """A value was sealed with a key that is not configured: a mistake in the configuration."""

    def __init__(self, kid: str) -> None:
        super().__init__(f"no sealing key with the id {kid} is configured")
        self.kid = kid


class Damaged(Exception):
    """A sealed value was altered, cut short or moved to another row; its content is lost."""

    def __init__(self) -> None:
        super().__init__("the sealed value is damaged or belongs to another row")


def derive(secret: bytes, label: str) -> bytes:
    """Return the 32-byte key of one purpose, by HKDF-SHA256; each purpose has its own label.

    Raises ValueError where the secret is shorter than 32 bytes: a passphrase is no key.
    """
    if len(secret) < MIN_SECRET_LENGTH:
        raise ValueError(f"a sealing key has at least {MIN_SECRET_LENGTH} bytes")
    return HKDF(SHA256(), 32, salt=None, info=f"authserver {label}".encode()).derive(secret)


@dataclass(frozen=True, slots=True)
class SealingKey:
    """An operator's secret and its id; the same secret has the same id on every instance."""

    kid: str
    secret: bytes = field(repr=False)

    @classmethod
    def from_secret(cls, secret: bytes) -> Self:
        """Return the key of a secret; raises ValueError where it is shorter than 32 bytes."""
        # Derived one way, so that the id, which stands in every sealed value, tells nothing.
        return cls(derive(secret, "kid")[:4].hex(), secret)


class Sealer:
    """Seals with the first key, opens with every key: `v1:<kid>:<base64url nonce, ciphertext>`."""

    def __init__(self, keys: tuple[SealingKey, ...]) -> None:
        if not keys:
            raise ValueError("at least one sealing key is needed")
        self._ciphers = {key.kid: AESGCM(derive(key.secret, "sealing")) for key in keys}
        if len(self._ciphers) != len(keys):
            raise ValueError("a sealing key is listed twice")
        self._current = keys[0].kid

    @property
    def kids(self) -> tuple[str, ...]:
        """Return the ids of the keys that it holds, the sealing one first."""
        return tuple(self._ciphers)

    def seal(self, plaintext: bytes, *, aad: tuple[str, ...]) -> str:
        """Seal a value to the place where it will stand: `aad` = table, column, row id and more."""
        nonce = secrets.token_bytes(_NONCE_LENGTH)
        associated = _framed(_VERSION, self._current, *aad)
        ciphertext = self._ciphers[self._current].encrypt(nonce, plaintext, associated)
        return f"{_VERSION}:{self._current}:{_encode(nonce + ciphertext)}"

    def open(self, sealed: str, *, aad: tuple[str, ...]) -> bytes:
        """Return what was sealed with the same `aad`; raises UnknownKey or Damaged."""
        kid, payload = _parse(sealed)
        if kid not in self._ciphers:
            raise UnknownKey(kid)
        nonce, ciphertext = payload[:_NONCE_LENGTH], payload[_NONCE_LENGTH:]
        try:
            return self._ciphers[kid].decrypt(nonce, ciphertext, _framed(_VERSION, kid, *aad))
        except (InvalidTag, ValueError):
            raise Damaged from None

    @property
    def current(self) -> str:
        """Return the id of the key that seals."""
        return self._current

    def is_current(self, sealed: str) -> bool:
        """Say whether the value was sealed with the first key; others are due to be resealed."""
        return sealed.startswith(f"{_VERSION}:{self._current}:")


def sealed_by(value: str) -> str | None:
    """Return the id of the key that a value names, None where it is not sealed at all."""
    match = _SEALED.fullmatch(value)
    return None if match is None else match[1]


def refresh_keys(keys: tuple[SealingKey, ...]) -> RefreshKeys:
    """Return the MAC keys of refresh tokens, one per sealing key and in their order."""
    return RefreshKeys(tuple((key.kid, derive(key.secret, "refresh-token mac")) for key in keys))


def dpop_nonces(keys: tuple[SealingKey, ...]) -> Nonces:
    """Return what makes and knows the nonces of proofs, the same on every instance."""
    return Nonces(tuple(derive(key.secret, "dpop-nonce mac") for key in keys))


def user_codes(keys: tuple[SealingKey, ...]) -> UserCodes:
    """Return what makes and knows the digests of user codes, the same on every instance."""
    return UserCodes(tuple(derive(key.secret, "user-code mac") for key in keys))


def client_id_keys(keys: tuple[SealingKey, ...]) -> ClientIdKeys:
    """Return the MAC keys of client_ids that are signed, one per sealing key, in their order."""
    return ClientIdKeys(tuple((key.kid, derive(key.secret, "client_id mac")) for key in keys))


def _parse(sealed: str) -> tuple[str, bytes]:
    match = _SEALED.fullmatch(sealed)
    if match is None:
        raise Damaged
    kid, encoded = match.groups()
    try:
        payload = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except binascii.Error:
        raise Damaged from None
    if _encode(payload) != encoded:
        raise Damaged  # one spelling per value: the unused bits of the last character count too
    return kid, payload


def _encode(payload: bytes) -> str:
    return urlsafe_b64encode(payload).rstrip(b"=").decode()


def _framed(*parts: str) -> bytes:
    """Join with each part's length before it, so that no two lists of parts look the same."""
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4) + part for part in encoded)

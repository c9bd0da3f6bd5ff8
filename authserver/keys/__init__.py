"""Signing keys: made, published, put to use, retired, by all workers together: RFC 7517."""

from authserver.keys.key_ring import KeyStatus
from authserver.keys.signing_keys import NoSigningKey, SigningKeys

__all__ = ["KeyStatus", "NoSigningKey", "SigningKeys"]

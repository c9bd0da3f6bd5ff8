"""Opaque random values and the digests under which they are stored: OAuth 2.1 §7.7."""

import hashlib
import hmac
import secrets

CODE_PREFIX = "mcpas_ac_"
DEVICE_PREFIX = "mcpas_dc_"
REGISTRATION_PREFIX = "mcpas_ra_"
SECRET_PREFIX = "mcpas_cs_"  # prefixes: for secret scanners


def random_value(prefix: str = "") -> str:
    """Return a new unguessable value of 256 bits, from `[A-Za-z0-9_-]`."""
    return prefix + secrets.token_urlsafe(32)


def digest(value: str) -> str:
    """Return the SHA-256 of a random value, in hex: 256 random bits need no slow hash."""
    return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()


def derive(secret: str, *parts: str) -> str:
    """Return a value that only a holder of `secret` can compute, one for each tuple of parts."""
    message = "\0".join(parts).encode("utf-8", "replace")
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()

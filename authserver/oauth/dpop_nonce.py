"""Nonces that proofs must hold, so that none is made in advance: RFC 9449 §8, §9.

They are made of time and a key, so that every instance knows those of all and none is stored.
"""

import binascii
import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field

STEP = 150  # seconds: one nonce for each, good in the next one too
_TIME, _MAC = 6, 18


@dataclass(frozen=True, slots=True)
class Nonces:
    """What makes and knows nonces: the first key makes them, all are known."""

    keys: tuple[bytes, ...] = field(repr=False)

    def current(self, now: int) -> str:
        """Return the nonce of now."""
        return _nonce(self.keys[0], now // STEP)

    def knows(self, nonce: str, now: int) -> bool:
        """Say whether it is one of now, or of shortly before; an instance may be a little ahead."""
        try:
            decoded = urlsafe_b64decode(nonce)
        except (binascii.Error, ValueError):
            return False
        step = int.from_bytes(decoded[:_TIME])
        if len(decoded) != _TIME + _MAC or abs(step - now // STEP) > 1:
            return False
        expected = [_nonce(key, step).encode() for key in self.keys]
        return any(hmac.compare_digest(each, nonce.encode()) for each in expected)


def _nonce(key: bytes, step: int) -> str:
    moment = step.to_bytes(_TIME)
    mac = hmac.new(key, moment, hashlib.sha256).digest()[:_MAC]
    return urlsafe_b64encode(moment + mac).decode()

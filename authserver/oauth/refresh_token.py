"""Refresh tokens: handle, generation and a MAC, and the verdict on one: OAuth 2.1 §4.3.1."""

import binascii
import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Literal

from authserver.oauth.grant import Grant

PREFIX = "mcpas_rt_"  # for secret scanners
GRACE = 60  # seconds in which a lost answer is given again

_VERSION = b"1"
_HANDLE, _GENERATION, _KID, _MAC = 16, 4, 4, 32
_LENGTH = _HANDLE + _GENERATION + _KID + _MAC

Verdict = Literal["current", "retry", "reuse", "unknown_generation", "expired"]


@dataclass(frozen=True, slots=True)
class RefreshKeys:
    """MAC keys by key id: the first signs, all verify. Derived from the operator's secrets."""

    keys: tuple[tuple[str, bytes], ...] = field(repr=False)

    @property
    def current(self) -> str:
        """Return the id of the key that makes new tokens."""
        return self.keys[0][0]

    def find(self, kid: str) -> bytes | None:
        """Return the key of an id."""
        return next((key for each, key in self.keys if each == kid), None)


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """A well-formed refresh token whose MAC is not checked yet."""

    handle: str
    generation: int
    kid: str
    mac: bytes = field(repr=False)


def issue(keys: RefreshKeys, grant: Grant) -> str:
    """Return the refresh token of the grant's current generation: always the same string.

    Also where another key makes new tokens by now, for as long as the grant's own key is held.
    """
    kid, key = keys.keys[0]
    if grant.refresh_kid is not None and (own := keys.find(grant.refresh_kid)) is not None:
        kid, key = grant.refresh_kid, own
    mac = _mac(key, grant, grant.generation)
    handle = bytes.fromhex(grant.handle)
    payload = handle + grant.generation.to_bytes(_GENERATION) + bytes.fromhex(kid) + mac
    return PREFIX + urlsafe_b64encode(payload).rstrip(b"=").decode()


def parse(token: str) -> PresentedToken | None:
    """Read a refresh token, None where it is none of ours."""
    encoded = token.removeprefix(PREFIX)
    if encoded == token or len(encoded) != -(-_LENGTH * 4 // 3):
        return None
    try:
        payload = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except (binascii.Error, ValueError):
        return None
    if urlsafe_b64encode(payload).rstrip(b"=").decode() != encoded:
        return None  # one spelling per token
    handle, rest = payload[:_HANDLE], payload[_HANDLE:]
    generation, kid, mac = rest[:_GENERATION], rest[_GENERATION:-_MAC], rest[-_MAC:]
    return PresentedToken(handle.hex(), int.from_bytes(generation), kid.hex(), mac)


def is_authentic(keys: RefreshKeys, presented: PresentedToken, grant: Grant) -> bool:
    """Say whether the token was made by this server for this grant and its client."""
    key = keys.find(presented.kid)
    if key is None:
        return False
    return hmac.compare_digest(_mac(key, grant, presented.generation), presented.mac)


def judge(grant: Grant, generation: int, now: int) -> Verdict:
    """Return the verdict on an authentic token; replay is judged before expiry.

    The generation just spent gets the same successor for a minute (a lost answer); once that
    successor was used, the generation is two back and counts as reuse.
    """
    if generation > grant.generation:
        return "unknown_generation"  # a restored backup: nobody's fault
    if generation < grant.generation:
        retry = generation == grant.generation - 1 and abs(now - grant.rotated_at) <= GRACE
        if not retry:
            return "reuse"
    if now >= grant.expires_at or now >= grant.idle_expires_at:
        return "expired"
    return "current" if generation == grant.generation else "retry"


def _mac(key: bytes, grant: Grant, generation: int) -> bytes:
    parts = (
        _VERSION, bytes.fromhex(grant.handle), generation.to_bytes(_GENERATION),
        grant.client_id.encode(), grant.seed,
    )  # fmt: skip
    framed = b"".join(len(part).to_bytes(4) + part for part in parts)
    return hmac.new(key, framed, hashlib.sha256).digest()

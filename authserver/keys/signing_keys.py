"""SigningKeys: the keys of the database, at work: RFC 7515 §5, RFC 7517 §5, RFC 9068 §2.1"""

import binascii
import logging
from base64 import urlsafe_b64decode
from collections.abc import Mapping

from authserver.keys.key_ring import KeyRing, KeyStatus
from authserver.keys.ring_cache import REFRESH_INTERVAL, RingCache
from authserver.keys.signing_key import SigningKey, place
from authserver.oauth.strict_json import parse_object
from authserver.sealing import Damaged, Sealer
from authserver.storage.signing_keys import StoredKey
from authserver.storage.store import Store

logger = logging.getLogger("authserver")

DAY = 86400
JWKS_MAX_AGE = 300  # how long verifiers may keep the JWKS
CLOCK_SKEW = 300  # between workers, and of verifiers
MIN_PUBLISH_LEAD = JWKS_MAX_AGE + REFRESH_INTERVAL
EXPIRED_KEPT = 30 * DAY  # how long an expired key stays in the list, to match what logs say
# No token of any configuration lives longer, and a key may have signed under an earlier one.
_LONGEST_CONFIGURABLE_LIFETIME = DAY

_ATTEMPTS = 3


class NoSigningKey(Exception):
    """There is no key to sign with: the table is empty, or the active key is damaged."""


class SigningKeys:
    """The signing keys that all workers share: they live in the database, sealed.

    A key is published `publish_lead` seconds before it signs, except the very first. Every call
    raises UnknownKey where a key was sealed with a sealing key that is not configured.
    """

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        *,
        alg: str = "ES256",
        longest_token_lifetime: int,
        rotation_interval: int = 90 * DAY,
        publish_lead: int = DAY,
    ) -> None:
        if publish_lead < MIN_PUBLISH_LEAD:
            raise ValueError(f"a key is published at least {MIN_PUBLISH_LEAD} s before it signs")
        if rotation_interval <= publish_lead:
            raise ValueError("a key signs for longer than its successor waits")
        self._store = store
        self._sealer = sealer
        self._alg = alg
        self._rotation_interval = rotation_interval
        self._publish_lead = publish_lead
        retention = max(longest_token_lifetime, _LONGEST_CONFIGURABLE_LIFETIME) + CLOCK_SKEW
        self._rings = RingCache(store, sealer, retention=retention, publish_lead=publish_lead)

    # --- signing and verifying ---

    def sign(self, typ: str, claims: Mapping[str, object], now: int) -> str:
        """Return the JWT, signed with the active key; raises NoSigningKey. It never writes."""
        return self._active(now).sign(typ, claims)

    def signing_alg(self, now: int) -> str:
        """Return the algorithm of the active key; raises NoSigningKey."""
        return self._active(now).alg

    def verify(self, token: str, typ: str, now: int) -> dict[str, object] | None:
        """Return the claims of an unexpired token of ours with exactly this `typ`, else None."""
        header = _header(token)
        if header is None or header.keys() != {"alg", "typ", "kid"} or header["typ"] != typ:
            return None
        key = self._find(header["kid"], now)
        payload = key.verify(token) if key is not None else None
        if payload is None:
            return None
        claims = parse_object(payload)
        expires_at = claims.get("exp")
        return claims if isinstance(expires_at, int) and now < expires_at else None

    def jwks(self, now: int) -> dict[str, object]:
        """Return the public keys: of the keys to come, of the active one, of those not expired."""
        return {"keys": [key.public_jwk() for key in self._rings.current(now).published(now)]}

    # --- the life of the keys ---

    def prepare(self, now: int) -> None:
        """Make the first key, or the next one when it is due, and note which have ended.

        Called at start-up and in the background; workers that do so at once make one key.
        """
        self._record_ends(self._extend(now, asked=False), now)

    def rotate(self, now: int) -> int:
        """Make the next key, unless one is waiting already, and return when it starts to sign."""
        waiting = self._extend(now, asked=True).waiting(self._alg, now, self._horizon(now))
        return waiting.active_at if waiting else now

    def reseal(self, now: int) -> int:
        """Seal with the first sealing key what another one sealed; return how many keys."""
        resealed = 0
        for term in self._rings.read(now).terms:
            row = term.row
            if self._sealer.is_current(row.sealed) or term.is_expired(now):
                continue
            resealed += self._reseal(row)
        return resealed

    def list(self, now: int) -> tuple[KeyStatus, ...]:
        """Return every key with its state and dates, in the order in which they sign."""
        return tuple(self._rings.read(now).statuses(now))

    def _extend(self, now: int, *, asked: bool) -> KeyRing:
        ring = self._rings.read(now)
        for _ in range(_ATTEMPTS):
            active_at = self._due(ring, now, asked=asked)
            if active_at is None:
                break
            self._add(ring, active_at, now)
            ring = self._rings.read(now)
        return ring

    def _due(self, ring: KeyRing, now: int, *, asked: bool) -> int | None:
        """Return from when on a key is to sign that must be made now, None where none must."""
        gap = ring.gap(now)
        if gap is not None:
            return gap
        horizon = self._horizon(now)
        if ring.waiting(self._alg, now, horizon):
            return None
        newest = ring.newest(horizon)
        old_at = newest.active_at + self._rotation_interval - self._publish_lead
        if asked or newest.alg != self._alg or now >= old_at:
            return max(now + self._publish_lead, newest.active_at)
        return None

    def _horizon(self, now: int) -> int:
        """Return until when a key that was made by now begins to sign; a clock was wrong beyond."""
        return now + self._publish_lead + CLOCK_SKEW

    def _add(self, ring: KeyRing, active_at: int, now: int) -> None:
        # Another worker that takes the same place in the sequence made the key: theirs is ours.
        sequence = max((term.row.sequence for term in ring.terms), default=0) + 1
        row = SigningKey.generate(self._alg).seal(
            self._sealer, sequence=sequence, created_at=now, active_at=active_at
        )
        with self._store.write() as tx:
            added = tx.add_signing_key(row)
        if added:
            logger.info("signing key %s (%s) signs from %d", row.kid, row.alg, active_at)

    def _record_ends(self, ring: KeyRing, now: int) -> None:
        """Write down which keys have retired, and forget those that expired long ago."""
        ended = [term for term in ring.retired(now) if term.row.retired_at is None]
        forgotten = now - EXPIRED_KEPT
        if not ended and not any(term.is_expired(forgotten) for term in ring.terms):
            return
        with self._store.write() as tx:
            for term in ended:
                if term.retired_at is not None and term.expires_at is not None:
                    tx.retire_signing_key(
                        term.row.kid, retired_at=term.retired_at, expires_at=term.expires_at
                    )
            tx.delete_expired_signing_keys(forgotten)

    def _reseal(self, row: StoredKey) -> bool:
        try:
            plaintext = self._sealer.open(row.sealed, aad=place(row))
        except Damaged:
            return False
        sealed = self._sealer.seal(plaintext, aad=place(row))
        with self._store.write() as tx:
            return tx.reseal_signing_key(row.kid, old=row.sealed, new=sealed)

    # --- reading ---

    def _active(self, now: int) -> SigningKey:
        key = self._rings.current(now).active(now) or self._rings.read(now).active(now)
        if key is None:
            raise NoSigningKey("no signing key is usable; run `authserver keys list`")
        return key

    def _find(self, kid: object, now: int) -> SigningKey | None:
        ring = self._rings.current(now)
        key = ring.find(str(kid), now)
        # At most once a second, whatever key ids strangers make up.
        if key is None and ring.read_at != now:
            key = self._rings.read(now).find(str(kid), now)
        return key


def _header(token: str) -> dict[str, object] | None:
    encoded = token.partition(".")[0]
    try:
        return parse_object(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (binascii.Error, ValueError):
        return None

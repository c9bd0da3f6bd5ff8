"""The keys as one worker last read them from the database: one thread reads, the others go on."""

import logging
import threading

from authserver.keys.key_ring import KeyRing, terms
from authserver.keys.signing_key import SigningKey
from authserver.sealing import Damaged, Sealer
from authserver.storage.signing_keys import StoredKey
from authserver.storage.store import Store

logger = logging.getLogger("authserver")

REFRESH_INTERVAL = 60  # seconds for which a worker may keep what it read


class RingCache:
    """The opened keys; `retention` is how long a key outlives its successor's first signature."""

    def __init__(self, store: Store, sealer: Sealer, retention: int) -> None:
        self._store = store
        self._sealer = sealer
        self._retention = retention
        self._lock = threading.RLock()
        self._cached: KeyRing | None = None

    def current(self, now: int) -> KeyRing:
        """Return the keys, read again where they are old; raises UnknownKey."""
        ring = self._cached
        if ring is None:
            return self.read(now)
        if abs(now - ring.read_at) < REFRESH_INTERVAL or not self._lock.acquire(blocking=False):
            return ring
        try:
            return self.read(now)
        finally:
            self._lock.release()

    def read(self, now: int) -> KeyRing:
        """Return the keys as the database has them; raises UnknownKey, skips a damaged one."""
        with self._lock:
            with self._store.read() as reads:
                ordered = terms(reads.signing_keys(), self._retention)
            opened = {}
            for term in ordered:
                key = None if term.is_expired(now) else self._open(term.row)
                if key is not None:
                    opened[term.row.kid] = key
            self._cached = KeyRing(ordered, opened, now)
            return self._cached

    def _open(self, row: StoredKey) -> SigningKey | None:
        try:
            return SigningKey.open(row, self._sealer)
        except Damaged:
            logger.error("signing key %s is damaged and skipped", row.kid)  # noqa: TRY400 - no trace
            return None

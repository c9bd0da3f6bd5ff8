"""The keys as one worker last read them from the database: one thread reads, the others go on."""

import logging
import threading

from authserver.keys.key_ring import KeyRing, terms
from authserver.keys.signing_key import SigningKey
from authserver.sealing import Damaged, Sealer
from authserver.storage.errors import StorageUnavailable
from authserver.storage.signing_keys import StoredKey
from authserver.storage.store import Store

logger = logging.getLogger("authserver")

REFRESH_INTERVAL = 60  # seconds for which a worker may keep what it read
RETRY_INTERVAL = 5  # seconds without another try: each may take that long itself


class RingCache:
    """The opened keys; `retention` is how long a key outlives its successor's first signature.

    While the database is away they go on for `publish_lead` seconds: before that no key can have
    begun to sign that was not there when they were read.
    """

    def __init__(self, store: Store, sealer: Sealer, *, retention: int, publish_lead: int) -> None:
        self._store = store
        self._sealer = sealer
        self._retention = retention
        self._publish_lead = publish_lead
        self._failed_at: int | None = None
        self._lock = threading.RLock()
        self._cached: KeyRing | None = None

    def current(self, now: int) -> KeyRing:
        """Return the keys, read again where they are old; raises UnknownKey, StorageUnavailable."""
        ring = self._cached
        if ring is None:
            return self.read(now)
        is_fresh = abs(now - ring.read_at) < REFRESH_INTERVAL or self._failed_just_now(now)
        if is_fresh or not self._lock.acquire(blocking=False):
            return ring
        try:
            return self.read(now)
        except StorageUnavailable:
            if abs(now - ring.read_at) >= self._publish_lead:
                raise
            self._failed_at = now
            logger.warning("the signing keys cannot be read; those in memory go on")
            return ring
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

    def _failed_just_now(self, now: int) -> bool:
        return self._failed_at is not None and abs(now - self._failed_at) < RETRY_INTERVAL

    def _open(self, row: StoredKey) -> SigningKey | None:
        try:
            return SigningKey.open(row, self._sealer)
        except Damaged:
            logger.error("signing key %s is damaged and skipped", row.kid)  # noqa: TRY400 - no trace
            return None

"""Deleting what has ended, in small batches between which others write."""

from authserver.storage.expiry import RULES, Moments
from authserver.storage.store import Store

BATCH = 200


def purge(
    store: Store, now: int, *, unused_lifetime: int, idle_lifetime: int, batch: int = BATCH
) -> dict[str, int]:
    """Delete what `expiry.RULES` allows, and return how many rows of each kind.

    `unused_lifetime` is for clients that nobody authorised, `idle_lifetime` for those whose last
    grant was last used so long ago; both in seconds.
    """
    moments = Moments(now, now - unused_lifetime, now - idle_lifetime)
    return {kind: _purge(store, kind, moments, batch) for kind in RULES}


def _purge(store: Store, kind: str, moments: Moments, batch: int) -> int:
    total = 0
    while True:
        with store.read() as reads:
            keys = reads.ended(kind, moments, batch)
        if not keys:
            return total
        with store.write() as tx:
            deleted = tx.delete_ended(kind, moments, keys)
        total += deleted
        if len(keys) < batch or not deleted:
            return total

"""Upkeep in the background: expired rows go in small batches, signing keys rotate on schedule."""

import atexit
import logging
import threading
import time
from dataclasses import dataclass, field

from authserver.app import AuthServer
from authserver.leap import LEAP, LeapWatch
from authserver.storage.purge import purge

logger = logging.getLogger("authserver")

INTERVAL = 60  # seconds between two rounds of one process


@dataclass(frozen=True, slots=True)
class Upkeep:
    """One daemon thread per process, started by its first request, so never before a fork."""

    server: AuthServer
    _started: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Say at the end of the process that it ended, so that its keys bind nobody."""
        atexit.register(self.server.agreement.leave)

    def start_once(self) -> None:
        """Start the thread where this process has none yet."""
        if self._started.is_set():
            return
        with self._lock:
            if not self._started.is_set():
                self._started.set()
                threading.Thread(target=self._run, name="authserver-upkeep", daemon=True).start()

    def _run(self) -> None:
        pause, watch = threading.Event(), None
        while not pause.wait(INTERVAL):
            try:
                watch = watch or watch_clock(self.server, time.monotonic())
                trusted = watch.trusts(self.server.clock(), time.monotonic())
                run_once(self.server, trusts_clock=trusted)
            except Exception:
                logger.exception("upkeep failed; it is tried again")


def watch_clock(server: AuthServer, steady: float) -> LeapWatch:
    """Return the watch of a clock that was right when anything was last written."""
    with server.store.read() as reads:
        written_at = reads.newest_moment() if reads.database_clock() is None else None
    return LeapWatch(server.clock() if written_at is None else written_at, steady)


def run_once(server: AuthServer, *, trusts_clock: bool = True) -> None:
    """Do one round: say that we run, purge what has ended, look after the signing keys.

    Nothing is purged by a clock that is not trusted, or that is ahead of the database's.
    """
    now = server.clock()
    server.agreement.announce(now)
    server.keys.prepare(now)
    server.keys.reseal(now)
    if not trusts_clock or _is_ahead(server, now):
        return
    registration = server.settings.registration
    kept = tuple(each.url for each in server.settings.resources if each.kept_scopes is not None)
    with server.store.write() as tx:
        tx.forget_upstream_tokens_but(kept)
    purge(
        server.store,
        now,
        unused_lifetime=registration.unused_lifetime,
        idle_lifetime=registration.idle_lifetime,
    )


def _is_ahead(server: AuthServer, now: int) -> bool:
    with server.store.read() as reads:
        other = reads.database_clock()
    if other is None or now - other <= LEAP:
        return False
    logger.warning("the clock is %d s ahead of the database's: nothing is deleted", now - other)
    return True

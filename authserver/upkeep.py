"""Upkeep in the background: expired rows go in small batches, signing keys rotate on schedule."""

import atexit
import logging
import threading
from dataclasses import dataclass, field

from authserver.app import AuthServer
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
        pause = threading.Event()
        while not pause.wait(INTERVAL):
            try:
                run_once(self.server)
            except Exception:
                logger.exception("upkeep failed; it is tried again")


def run_once(server: AuthServer) -> None:
    """Do one round: say that we run, purge what has ended, look after the signing keys."""
    now = server.clock()
    registration = server.settings.registration
    server.agreement.announce(now)
    server.keys.prepare(now)
    server.keys.reseal(now)
    purge(
        server.store,
        now,
        unused_lifetime=registration.unused_lifetime,
        idle_lifetime=registration.idle_lifetime,
    )

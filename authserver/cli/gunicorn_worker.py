"""gunicorn's threads, with an end to how long a request may take to arrive: RFC 9112 §9.5"""

import threading
import time
from contextlib import suppress
from socket import SHUT_RD
from typing import Any

from gunicorn.http import message
from gunicorn.workers import gthread

# An authorize URL carries up to 48 KB of escaped state; the pages refuse a query beyond 64 KB.
REQUEST_LINE = 66 * 1024
SILENCE = 1.0  # seconds for which a connection that says nothing may hold a thread
ARRIVAL = 10.0  # seconds from a request's first byte to the end of its body
PRESSED = 1.0  # the same while every thread is taken
_TICK = 0.25


class Worker(gthread.ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Stops reading from whoever sends a request by drops: each such client holds a thread.

    gunicorn itself waits for ever, for its timeout is one of workers and not of requests.
    """

    def init_process(self) -> None:
        """Start the thread that watches, in the worker: it would not survive the fork."""
        # Of a longer limit gunicorn makes 8190, and "unlimited" means it: each piece that arrives
        # is copied with all that came before.
        message.MAX_REQUEST_LINE = REQUEST_LINE
        gthread.DEFAULT_WORKER_DATA_TIMEOUT = SILENCE
        self._arriving: dict[Any, float] = {}
        threading.Thread(target=self._watch, name="authserver-arrival", daemon=True).start()
        super().init_process()

    def handle(self, conn: Any) -> Any:  # noqa: ANN401 - gunicorn has no types
        """Handle a request, watched."""
        self._arriving[conn] = time.monotonic()
        try:
            return super().handle(conn)
        finally:
            self._arriving.pop(conn, None)

    def _watch(self) -> None:
        while True:
            time.sleep(_TICK)
            now, arriving = time.monotonic(), list(self._arriving.items())
            patience = PRESSED if len(arriving) >= self.cfg.threads else ARRIVAL
            for conn, began in arriving:
                if now > began + patience:
                    # What has arrived is answered still: only reading ends, for a late answer too.
                    with suppress(OSError):
                        conn.sock.shutdown(SHUT_RD)

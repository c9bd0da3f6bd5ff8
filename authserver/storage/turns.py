"""Taking turns: one writer at a time within this process."""

import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

from authserver.storage.errors import StorageUnavailable

_PATIENCE = 2.5  # seconds; the busy timeout towards other processes comes on top


class Turns:
    """A lock that is waited for in sleep, where SQLite's own lock is polled for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        reference = weakref.ref(self)

        def forget() -> None:
            if (inherited := reference()) is not None:
                inherited._lock = threading.Lock()  # noqa: SLF001 - its holder is in the parent

        os.register_at_fork(after_in_child=forget)

    @contextmanager
    def take(self) -> Iterator[None]:
        """Wait for the turn and keep it for the block; raises `StorageUnavailable`."""
        lock = self._lock
        if not lock.acquire(timeout=_PATIENCE):
            raise StorageUnavailable("other writers of this process take too long")
        try:
            yield
        finally:
            lock.release()

"""A wall around the identity provider: while it hangs, half of the threads serve everything else"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from authserver.upstream.errors import UpstreamUnavailable

DEFAULT_CALLS = 4  # half of the threads of `authserver serve`


class Bulkhead:
    """Lets so many threads of this process wait for the upstream; the next is refused at once."""

    def __init__(self, calls: int) -> None:
        self._free = threading.BoundedSemaphore(calls)

    @contextmanager
    def call(self) -> Iterator[None]:
        """Hold one of the calls for the block; raises UpstreamUnavailable where none is free."""
        if not self._free.acquire(blocking=False):
            raise UpstreamUnavailable("too many requests wait for it")
        try:
            yield
        finally:
            self._free.release()

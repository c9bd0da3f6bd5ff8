"""A wall around who is asked: while they hang, other threads of the process serve all else"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from authserver.upstream.errors import UpstreamUnavailable
from authserver.upstream.session import Deadline

T = TypeVar("T")

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

    def ask_if_needed(self, attempt: Callable[[Deadline], T], seconds: float) -> T:
        """Make an attempt with what is kept here alone, then one that may ask for so long.

        Only the second one holds a call. Raises what the attempts raise.
        """
        try:
            return attempt(Deadline(0))
        except UpstreamUnavailable:
            pass  # of what is kept here nothing decides: ask, when it is this thread's turn
        with self.call():
            return attempt(Deadline(seconds))

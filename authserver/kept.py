"""Values kept for most of their life, the newest few; one thread at a time asks for each: RFC 9111

In memory, for one process: what is kept here must be good for whoever asks with the same key.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

SHARE = 0.8  # of its life is a value given out: what it is for takes time as well
MAX_ENTRIES = 10_000


@dataclass(slots=True)
class _Flight:
    lock: threading.Lock = field(default_factory=threading.Lock)
    passengers: int = 0


class Kept(Generic[T]):
    """Values by key, the least recently used forgotten first; times are epoch seconds."""

    def __init__(self, size: int = MAX_ENTRIES) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._values: OrderedDict[str, tuple[T, float]] = OrderedDict()
        self._flights: dict[str, _Flight] = {}

    def get(self, key: str, now: int, fetch: Callable[[], tuple[T, int]]) -> T:
        """Return the kept value, or what `fetch` returns with the second in which it ends.

        One thread fetches a key, the others wait for it; what `fetch` raises is raised and not
        kept.
        """
        found = self.find(key, now)
        if found is not None:
            return found
        with self._one_at_a_time(key):
            found = self.find(key, now)
            if found is not None:
                return found
            value, expires_at = fetch()
            self.keep(key, value, expires_at, now)
            return value

    def find(self, key: str, now: int) -> T | None:
        """Return the kept value, None where there is none to give out."""
        with self._lock:
            value, good_until = self._values.get(key, (None, 0.0))
            if value is None or now >= good_until:
                return None
            self._values.move_to_end(key)
            return value

    def keep(self, key: str, value: T, expires_at: int, now: int) -> None:
        """Keep a value for most of its life."""
        with self._lock:
            self._values[key] = (value, now + SHARE * (expires_at - now))
            self._values.move_to_end(key)
            while len(self._values) > self._size:
                self._values.popitem(last=False)

    def forget(self, key: str) -> None:
        """Forget a value that was refused where it was used."""
        with self._lock:
            self._values.pop(key, None)

    @contextmanager
    def _one_at_a_time(self, key: str) -> Iterator[None]:
        with self._lock:
            flight = self._flights.setdefault(key, _Flight())
            flight.passengers += 1
        try:
            with flight.lock:
                yield
        finally:
            with self._lock:
                flight.passengers -= 1
                if not flight.passengers:
                    del self._flights[key]

"""Values kept for most of their life, the newest few; one thread at a time asks for each: RFC 9111

In memory, for one process: what is kept here must be good for whoever asks with the same key.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from typing import Generic, TypeVar

T = TypeVar("T")

SHARE = 0.8  # of its life is a value given out: what it is for takes time as well
MAX_ENTRIES = 10_000


class NotAsked(Exception):
    """One asker was refused before anybody was asked, which says nothing to the others."""

    def __init__(self, reason: BaseException) -> None:
        super().__init__()
        self.reason = reason


class Kept(Generic[T]):
    """Values by key, the least recently used forgotten first; times are epoch seconds.

    `share` is how much of its life a value is given out for.
    """

    def __init__(self, size: int = MAX_ENTRIES, *, share: float = SHARE) -> None:
        self._size = size
        self._share = share
        self._lock = threading.Lock()
        self._values: OrderedDict[str, tuple[T, float]] = OrderedDict()
        self._flights: dict[str, Future[T]] = {}

    def get(
        self,
        key: str,
        now: int,
        fetch: Callable[[], tuple[T, int]],
        *,
        waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
        is_due: Callable[[T], bool] = lambda _: False,
    ) -> T:
        """Return the kept value, or what `fetch` returns with the second in which it ends.

        One thread fetches a key. The others wait for it, each inside of `waiting()`, and get what
        it gets: the value, or what `fetch` raises, which is not kept. Of `NotAsked` its reason is
        raised, and another one asks. A kept value that `is_due` is fetched anew.
        """
        while True:
            found = self.find(key, now)
            if found is not None and not is_due(found):
                return found
            flight, is_ours = self._board(key)
            if is_ours:
                return self._fly(flight, key, now, fetch, is_due)
            try:
                with waiting():
                    return flight.result()
            except NotAsked:
                continue

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
            self._values[key] = (value, now + self._share * (expires_at - now))
            self._values.move_to_end(key)
            while len(self._values) > self._size:
                self._values.popitem(last=False)

    def is_being_fetched(self, key: str) -> bool:
        """Say whether a thread fetches a key now."""
        with self._lock:
            return key in self._flights

    def forget(self, key: str) -> None:
        """Forget a value that was refused where it was used."""
        with self._lock:
            self._values.pop(key, None)

    def _board(self, key: str) -> tuple[Future[T], bool]:
        """Return who fetches a key, and whether that is this thread."""
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None:
                return flight, False
            return self._flights.setdefault(key, Future()), True

    def _fly(
        self,
        flight: Future[T],
        key: str,
        now: int,
        fetch: Callable[[], tuple[T, int]],
        is_due: Callable[[T], bool],
    ) -> T:
        try:
            value = self.find(key, now)  # another one may have landed before we boarded
            if value is None or is_due(value):
                value, expires_at = fetch()
                self.keep(key, value, expires_at, now)
        except NotAsked as refusal:
            self._land(key)
            flight.set_exception(refusal)
            raise refusal.reason from None
        except BaseException as error:
            self._land(key)
            flight.set_exception(error if isinstance(error, Exception) else NotAsked(error))
            raise
        self._land(key)
        flight.set_result(value)
        return value

    def _land(self, key: str) -> None:
        with self._lock:
            del self._flights[key]

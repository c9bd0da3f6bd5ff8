"""Keeps exchanged tokens for most of their life, and lets one thread ask for each. RFC 8693 §2.2"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHARE = 0.8  # of its life is a token given out: what it is for takes time as well
MAX_ENTRIES = 10_000


@dataclass(frozen=True, slots=True)
class ExchangedToken:
    """A token for another audience; `expires_at` is in epoch seconds."""

    access_token: str = field(repr=False)
    token_type: str
    scope: tuple[str, ...]
    expires_at: int


@dataclass(slots=True)
class _Flight:
    lock: threading.Lock = field(default_factory=threading.Lock)
    waiting: int = 0


class ExchangeCache:
    """Tokens by key, the least recently used forgotten first."""

    def __init__(self, size: int = MAX_ENTRIES) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[ExchangedToken, float]] = OrderedDict()
        self._flights: dict[str, _Flight] = {}

    def get(self, key: str, now: int, fetch: Callable[[], ExchangedToken]) -> ExchangedToken:
        """Return the kept token, or what `fetch` returns; one thread at a time fetches a key."""
        found = self.find(key, now)
        if found is not None:
            return found
        with self._one_at_a_time(key):
            found = self.find(key, now)
            if found is not None:
                return found
            token = fetch()
            self.keep(key, token, now)
            return token

    def forget(self, key: str) -> None:
        """Forget a token that was refused where it was used."""
        with self._lock:
            self._kept.pop(key, None)

    def find(self, key: str, now: int) -> ExchangedToken | None:
        """Return the kept token, None where there is none to give out."""
        with self._lock:
            token, good_until = self._kept.get(key, (None, 0.0))
            if token is None or now >= good_until:
                return None
            self._kept.move_to_end(key)
            return token

    def keep(self, key: str, token: ExchangedToken, now: int) -> None:
        """Keep a token for most of its life."""
        with self._lock:
            self._kept[key] = (token, now + _SHARE * (token.expires_at - now))
            self._kept.move_to_end(key)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)

    @contextmanager
    def _one_at_a_time(self, key: str) -> "Iterator[None]":
        with self._lock:
            flight = self._flights.setdefault(key, _Flight())
            flight.waiting += 1
        try:
            with flight.lock:
                yield
        finally:
            with self._lock:
                flight.waiting -= 1
                if not flight.waiting:
                    del self._flights[key]

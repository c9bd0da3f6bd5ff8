"""A document kept while it is good, one fetch at a time: RFC 5861 §3, §4"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from authserver.upstream.errors import UpstreamError, UpstreamUnavailable
from authserver.upstream.session import Deadline

T = TypeVar("T")

FRESH_LIFETIME = 3600
STALE_LIFETIME = 24 * 3600
BACK_OFF = 5  # seconds without another try after a failure
REFETCH_INTERVAL = 30  # seconds between fetches that an unknown key asks for
_REFRESH_TIMEOUT = 10.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Copy(Generic[T]):
    value: T
    fetched_at: float


@dataclass(frozen=True, slots=True)
class _Failure:
    error: UpstreamError | UpstreamUnavailable
    failed_at: float


class Cached(Generic[T]):
    """One fetched value for all threads: fresh for an hour, served stale for a day.

    A stale copy is answered at once and refreshed behind; without a copy one caller fetches and
    the others wait for it. `clock` is monotonic seconds: only ages are judged by it.
    """

    def __init__(
        self, what: str, fetch: Callable[[Deadline], T], clock: Callable[[], float]
    ) -> None:
        self._what = what
        self._fetch = fetch
        self._clock = clock
        self._flight = threading.Lock()  # held by the one who fetches
        self._copy: _Copy[T] | None = None
        self._failure: _Failure | None = None
        self._refetched_at: float | None = None

    def get(self, deadline: Deadline) -> T:
        """Return the value; raises what the fetch raises, UpstreamError or UpstreamUnavailable."""
        copy = self._copy
        if copy is not None and self._age(copy) < STALE_LIFETIME:
            if self._age(copy) >= FRESH_LIFETIME:
                self._refresh_behind()
            return copy.value
        self._board(deadline)
        try:
            if self._copy is not copy and self._copy is not None:
                return self._copy.value  # fetched while we waited
            self._check_back_off()
            return self._load(deadline)
        finally:
            self._flight.release()

    def refetch(self, seen: T, deadline: Deadline) -> T:
        """Return a newer value than the one seen, or that one if the last try was just now.

        Raises UpstreamUnavailable where that try failed: what is new there nobody knows.
        """
        if not self._flight.locked() and self._was_just_asked(seen):
            return seen
        self._board(deadline)
        try:
            copy, now = self._copy, self._clock()
            if copy is not None and copy.value is not seen:
                return copy.value
            if self._was_just_asked(seen):
                return seen
            self._refetched_at = now
            return self._load(deadline)
        finally:
            self._flight.release()

    def _was_just_asked(self, seen: T) -> bool:
        copy, last = self._copy, self._refetched_at
        if copy is not None and copy.value is not seen:
            return False
        if self._is_backing_off():
            raise UpstreamUnavailable(f"{self._what}: it could not be asked a moment ago")
        if self._failure is not None:  # what is new there nobody knows: ask again soon
            return False
        return last is not None and self._clock() - last < REFETCH_INTERVAL

    def _age(self, copy: _Copy[T]) -> float:
        return self._clock() - copy.fetched_at

    def _board(self, deadline: Deadline) -> None:
        if not self._flight.acquire(timeout=deadline.remaining()):
            raise UpstreamUnavailable(f"{self._what}: waited too long for it")

    def _is_backing_off(self) -> bool:
        failure = self._failure
        return failure is not None and self._clock() - failure.failed_at < BACK_OFF

    def _check_back_off(self) -> None:
        failure = self._failure
        if failure is None or not self._is_backing_off():
            return
        # A new exception each time: one that is raised twice collects tracebacks.
        if isinstance(failure.error, UpstreamError):
            raise UpstreamError(failure.error.reason, failure.error.detail)
        raise UpstreamUnavailable(failure.error.detail)

    def _load(self, deadline: Deadline) -> T:
        try:
            value = self._fetch(deadline)
        except (UpstreamError, UpstreamUnavailable) as error:
            self._failure = _Failure(error, self._clock())
            _log.warning("upstream %s cannot be fetched: %s", self._what, error)
            raise
        self._failure = None
        self._copy = _Copy(value, self._clock())
        return value

    def _refresh_behind(self) -> None:
        if self._is_backing_off() or not self._flight.acquire(blocking=False):
            return
        try:
            threading.Thread(target=self._refresh, name="upstream-refresh", daemon=True).start()
        except RuntimeError:  # no thread to be had: the copy still serves
            self._flight.release()

    def _refresh(self) -> None:
        try:
            self._load(Deadline(_REFRESH_TIMEOUT))
        except (UpstreamError, UpstreamUnavailable):
            pass  # logged, and the copy serves on
        finally:
            self._flight.release()

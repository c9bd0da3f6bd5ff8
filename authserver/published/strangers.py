"""Asking the hosts that strangers name: few at once, fewer of one host: CIMD draft -01 §6.5

A host that is slow keeps nobody waiting but those who want something of it, and what nobody asked
for before takes nothing from what is known here.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from authserver.kept import Kept, NotAsked
from authserver.oauth.errors import OAuthError
from authserver.published.fetch import Fetched, Fetcher, FetchFailed, Withdrawn
from authserver.upstream.bulkhead import DEFAULT_CALLS

Count = Callable[[str, bool], None]  # counts a host, and whether it is known; raises past a limit

WHILE_FETCHED = 60  # seconds that what was good serves longer while another thread asks
PAUSE = 30  # seconds after a failure in which what there was serves without another try
MAX_KEPT = 1000
_REMEMBERED = 86400
_RETRY_AFTER = 30
_logger = logging.getLogger("authserver")


class Turns:
    """So many threads at once, and so many of them for one site; the next is refused."""

    def __init__(self, at_once: int, of_a_site: int) -> None:
        self._at_once = at_once
        self._of_a_site = of_a_site
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()

    @contextmanager
    def hold(self, host: str) -> Iterator[None]:
        """Hold a turn for the block; raises `temporarily_unavailable` where none is free."""
        site = _site(host)
        with self._lock:
            if self._held.total() >= self._at_once or self._held[site] >= self._of_a_site:
                raise unavailable("too many requests wait for strangers")
            self._held[site] += 1
        try:
            yield
        finally:
            with self._lock:
                self._held[site] -= 1
                if not self._held[site]:
                    del self._held[site]


class Strangers:
    """Fetches what strangers publish. What is known here has turns of its own, and its own limits.

    `calls` is half of the threads of the process: of four, two fetch what is new and two what is
    known, one for one site each, and one more of each waits for what another thread fetches.
    """

    def __init__(self, fetcher: Fetcher, calls: int = DEFAULT_CALLS) -> None:
        self._fetcher = fetcher
        fetching, waiting = max(calls // 2, 1), max(calls // 4, 1)
        of_a_site = max(fetching - 1, 1)
        self._turns = {each: Turns(fetching, of_a_site) for each in (True, False)}
        self._waiting = {each: Turns(waiting, waiting) for each in (True, False)}
        self._failing: Kept[int] = Kept(MAX_KEPT, share=1.0)  # by URL, when it was tried last

    def ask(
        self, url: str, host: str, max_bytes: int, now: int, count: Count, *, is_known: bool
    ) -> Fetched:
        """Return the document of a URL; raises FetchFailed where its host was asked in vain.

        Raises NotAsked where no turn is free, or `count` raises.
        """
        with ExitStack() as held:
            try:
                held.enter_context(self._turns[is_known].hold(host))
                count(host, is_known)
            except OAuthError as error:
                raise NotAsked(error) from None
            return self._asked(url, host, max_bytes, now)

    def waiting(self, host: str, *, is_known: bool) -> AbstractContextManager[None]:
        """Wait for what another thread asks a host, for the block; raises as `hold` does."""
        return self._waiting[is_known].hold(host)

    def has_just_failed(self, url: str, now: int) -> bool:
        """Say whether it was tried in vain not long ago, or is being tried again."""
        tried_at = self._failing.find(url, now)
        return tried_at is not None and now < tried_at + PAUSE

    def close(self) -> None:
        """Close the idle connections."""
        self._fetcher.close()

    def _asked(self, url: str, host: str, max_bytes: int, now: int) -> Fetched:
        if self._failing.find(url, now) is not None:
            self._failing.keep(url, now, now + _REMEMBERED, now)  # one tries again, not all
        try:
            fetched = self._fetcher.get(url, max_bytes)
        except FetchFailed as error:
            _logger.info("a document of %s was not fetched: %s", host, error)
            if isinstance(error, Withdrawn):
                self._failing.forget(url)
            else:
                self._failing.keep(url, now, now + _REMEMBERED, now)
            raise
        self._failing.forget(url)
        return fetched


def _site(host: str) -> str:
    """Return what one owner may have any number of names below, or a suffix that many share."""
    return ".".join(host.split(".")[-2:])


def unavailable(failure: str) -> OAuthError:
    """Return the refusal that is none of the client's: it may try again."""
    return OAuthError(
        "temporarily_unavailable",
        "The client's own document cannot be fetched at the moment.",
        detail=f"document_not_fetched: {failure}",
        headers=(("Retry-After", str(_RETRY_AFTER)),),
    )

"""The one way out to a URL that a stranger gave us: public, small, soon: CIMD draft -01 §6.5, §6.6

Every address of the name is judged, and the connection goes to one that was: a name that means
another address the next time gains nothing. Nothing of ours goes along, and no redirect is
followed.
"""

import os
import re
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout

from authserver.published import freshness
from authserver.transport import NotPublic, timed_adapter

SECONDS = 5.0  # for all of it
_CONNECTIONS = 5  # that may be kept for the next time
_PIECE = 4096
_WITHDRAWN = (404, 410)
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "authserver"}
_JSON = re.compile(r"application/(?:json|[a-z0-9!#$&^_.+-]+\+json)[ \t]*(?:;|\Z)", re.IGNORECASE)


class FetchFailed(Exception):
    """Nothing usable came; the text is for the operator, and says nothing that came from there."""


class Withdrawn(FetchFailed):
    """Its server says that there is no such document: what there was serves no longer."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document, and for how many seconds its server calls it fresh, None where it does not."""

    body: bytes = field(repr=False)
    fresh_for: int | None


class Fetcher:
    """Fetches documents over https; `private_hosts` are those that may lie inside.

    `ca_file` replaces certifi's authorities. Made once; safe for threads and across a fork.
    """

    def __init__(self, ca_file: Path | None = None, private_hosts: Collection[str] = ()) -> None:
        self._ca_file = ca_file
        self._private_hosts = frozenset(private_hosts)
        self._lock = threading.Lock()
        self._sessions: dict[bool, requests.Session] = {}
        self._pid = 0

    def get(self, url: str, max_bytes: int) -> Fetched:
        """Return the document of a URL whose form was checked; raises FetchFailed."""
        ends_at = time.monotonic() + SECONDS
        session = self._session(public_only=urlsplit(url).netloc not in self._private_hosts)
        try:
            with session.get(
                url,
                headers=_HEADERS,
                allow_redirects=False,
                stream=True,
                timeout=Timeout(total=SECONDS),  # type: ignore[arg-type]  # passed on as it is
            ) as response:
                return _read(response, max_bytes, ends_at)
        except NotPublic:
            failure = "it leads to an address that is not public"
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            failure = type(error).__name__
        raise FetchFailed(failure)

    def close(self) -> None:
        """Close the idle connections; the next request opens new ones."""
        with self._lock:
            sessions, self._sessions = self._sessions, {}
        for each in sessions.values():
            each.close()

    def _session(self, *, public_only: bool) -> requests.Session:
        with self._lock:
            if self._pid != os.getpid():
                self._sessions, self._pid = {}, os.getpid()
            if public_only not in self._sessions:
                self._sessions[public_only] = _new_session(self._ca_file, public_only=public_only)
            return self._sessions[public_only]


def _read(response: requests.Response, max_bytes: int, ends_at: float) -> Fetched:
    if response.status_code != 200:
        failed = Withdrawn if response.status_code in _WITHDRAWN else FetchFailed
        raise failed(f"the answer is {response.status_code}")
    if not _JSON.match(response.headers.get("Content-Type", "")):
        raise FetchFailed("the answer is not JSON by its content type")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise FetchFailed("the answer is compressed, which was not asked for")
    body = bytearray()
    for piece in response.iter_content(_PIECE):
        body += piece
        if len(body) > max_bytes:
            raise FetchFailed(f"the answer is longer than {max_bytes} bytes")
        if time.monotonic() > ends_at:
            raise FetchFailed("the answer took too long")
    return Fetched(bytes(body), freshness.remaining(response.headers))


def _new_session(ca_file: Path | None, *, public_only: bool) -> requests.Session:
    session = requests.Session()
    if ca_file is not None:
        session.verify = str(ca_file)
    session.trust_env = False  # neither proxies nor .netrc
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.mount("https://", timed_adapter(_CONNECTIONS, public_only=public_only))
    session.mount("http://", _Nowhere())
    return session


class _Nowhere(requests.adapters.BaseAdapter):
    """Refuses what is not https."""

    def send(self, *_: object, **__: object) -> requests.Response:
        raise requests.exceptions.InvalidSchema

    def close(self) -> None:
        """Do nothing: there is nothing open."""

"""The kit's way to its authorization server, bounded in time and size. RFC 9110"""

import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import requests

MAX_BYTES = 65_536
TOTAL_TIMEOUT = 5.0
_EACH_TIMEOUT = 3.0  # to connect, and between two pieces


@dataclass(frozen=True, slots=True)
class Fetched:
    """One answer; `headers` are in lower case."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str]


class Fetching:
    """A pooled connection; it follows no redirect and shares nothing across a fork.

    `timeout` is for a whole answer, in seconds.
    """

    def __init__(
        self,
        ca_bundle: str | None = None,
        *,
        max_bytes: int = MAX_BYTES,
        timeout: float | None = None,
    ) -> None:
        self._ca_bundle = ca_bundle
        self._max_bytes = max_bytes
        self._timeout = timeout
        self._open()

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        form: Sequence[tuple[str, str]] | None = None,
    ) -> Fetched:
        """Return the answer; raises what requests and urllib3 raise, ValueError past a bound."""
        self._leave_the_parent()
        total = TOTAL_TIMEOUT if self._timeout is None else self._timeout
        each = min(_EACH_TIMEOUT, self._timeout or _EACH_TIMEOUT)
        deadline = time.monotonic() + total
        with self._http.request(
            method,
            url,
            data=None if form is None else list(form),
            headers={"Accept-Encoding": "identity", **headers},
            allow_redirects=False,
            stream=True,
            timeout=(each, each),
        ) as response:
            body = self._read(response, deadline)
            found = {name.lower(): value for name, value in response.headers.items()}
            return Fetched(response.status_code, body, found)

    def lock(self) -> threading.Lock:
        """Return the lock by which one thread at a time fetches, this process's own."""
        self._leave_the_parent()
        return self._lock

    def _leave_the_parent(self) -> None:
        """Share nothing across a fork: a socket would have two readers, a lock no holder."""
        if self._pid != os.getpid():
            self._open()

    def _open(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.verify = self._ca_bundle or True

    def _read(self, response: requests.Response, deadline: float) -> bytes:
        """Read what has arrived, piece by piece, so that neither size nor time can run away."""
        body = b""
        while piece := response.raw.read1(8192, decode_content=False):
            body += piece
            if len(body) > self._max_bytes or time.monotonic() > deadline:
                raise ValueError("the answer is too long or too slow")
        return body

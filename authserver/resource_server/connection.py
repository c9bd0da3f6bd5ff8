"""One pooled connection of the kit to its authorization server. RFC 9110, RFC 6749 §3.2"""

import base64
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote_plus

import requests
import urllib3

from authserver.oauth.strict_json import parse_object

_MAX_BYTES = 1_048_576
_CONNECT_TIMEOUT = 3.0


class Unreachable(Exception):
    """There was no answer in time, or none that is JSON."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One JSON answer."""

    status: int
    document: dict[str, object] = field(repr=False)
    retry_after: str | None = None


class Connection:
    """Asks the authorization server, as one client; it follows no redirect and shares no socket.

    `timeout` is for a whole answer, in seconds.
    """

    def __init__(self, *, ca_bundle: str | None = None, timeout: float = 10.0) -> None:
        self._ca_bundle = ca_bundle
        self._timeout = timeout
        self._open()

    def get(self, url: str) -> Reply:
        """Ask for a document; raises Unreachable."""
        return self._ask("GET", url, {}, None)

    def post(self, url: str, form: Sequence[tuple[str, str]], authorization: str) -> Reply:
        """Send a form; raises Unreachable."""
        return self._ask("POST", url, {"Authorization": authorization}, list(form))

    def _open(self) -> None:
        self._pid = os.getpid()
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.verify = self._ca_bundle or True

    def _ask(
        self, method: str, url: str, headers: dict[str, str], form: list[tuple[str, str]] | None
    ) -> Reply:
        if self._pid != os.getpid():
            self._open()  # a socket that crossed a fork would have two readers
        deadline = time.monotonic() + self._timeout
        try:
            with self._http.request(
                method,
                url,
                data=form,
                headers={"Accept": "application/json", "Accept-Encoding": "identity", **headers},
                allow_redirects=False,
                stream=True,
                timeout=(min(_CONNECT_TIMEOUT, self._timeout), self._timeout),
            ) as response:
                document = parse_object(_read(response, deadline))
                retry_after = response.headers.get("Retry-After")
                return Reply(response.status_code, document, retry_after)
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            reason = type(error).__name__
        # Raised out here: the errors of libraries may hold what was sent.
        raise Unreachable(reason)


def basic(client_id: str, client_secret: str) -> str:
    """Return the Authorization header of a client, form-encoded (RFC 6749 §2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _read(response: requests.Response, deadline: float) -> bytes:
    body = b""
    while piece := response.raw.read1(8192, decode_content=False):
        body += piece
        if len(body) > _MAX_BYTES or time.monotonic() > deadline:
            raise ValueError("the answer is too long or too slow")
    return body

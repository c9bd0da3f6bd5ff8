"""One pooled way to the upstream per process: bounded in time and size: RFC 9110

Plain requests, not Authlib's `OAuth2Session`: that builds a session (and a TLS connection) per
login, follows a redirect from the token endpoint and trusts the token found there, reads answers
of any length, and tells failures in three kinds of exception whose texts quote the provider.
"""

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path

import requests
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout

from authserver.oauth.strict_json import parse_list, parse_object
from authserver.transport import NotPublic, timed_adapter
from authserver.upstream.errors import UpstreamUnavailable

MAX_BYTES = 1024 * 1024
_PIECE = 16 * 1024
_POOL_SIZE = 16


class Deadline:
    """The moment at which a login step gives up, for all its requests together."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds left; raises UpstreamUnavailable where none are."""
        remaining = self._at - time.monotonic()
        if remaining <= 0:
            raise UpstreamUnavailable("the identity provider took too long")
        return remaining


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came, of any status but never longer than 1 MiB."""

    what: str
    status: int
    body: bytes = field(repr=False)

    def json_object(self) -> dict[str, object]:
        """Return the body as a JSON object; raises UpstreamUnavailable where it is none."""
        try:
            return parse_object(self.body)
        except ValueError:
            pass  # raised below, so that the body does not hang on the exception as its context
        raise UpstreamUnavailable(f"{self.what}: the answer ({self.status}) is not a JSON object")

    def json_list(self) -> list[object]:
        """Return the body as a JSON list; raises UpstreamUnavailable where it is none."""
        try:
            return parse_list(self.body)
        except ValueError:
            pass  # as above
        raise UpstreamUnavailable(f"{self.what}: the answer ({self.status}) is not a JSON list")


class UpstreamSession:
    """The connections to one upstream, made when first used and never shared across a fork.

    `ca_file` is a PEM file of the authorities to trust in place of certifi's. `public_only`
    keeps to public addresses: for URLs that the operator has not written.
    """

    def __init__(self, ca_file: Path | None = None, *, public_only: bool = False) -> None:
        self._ca_file = ca_file
        self._public_only = public_only
        self._lock = threading.Lock()
        self._session: requests.Session | None = None
        self._pid = 0

    def get(
        self, what: str, url: str, deadline: Deadline, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """GET; `what` names the document in errors. Raises UpstreamUnavailable."""
        return self._send(what, "GET", url, deadline, headers or {}, None)

    def post(
        self,
        what: str,
        url: str,
        deadline: Deadline,
        headers: Mapping[str, str],
        form: Mapping[str, str],
    ) -> Answer:
        """POST a form; raises UpstreamUnavailable."""
        return self._send(what, "POST", url, deadline, headers, form)

    def close(self) -> None:
        """Close the idle connections; the next request opens new ones."""
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.close()

    def _send(
        self,
        what: str,
        method: str,
        url: str,
        deadline: Deadline,
        headers: Mapping[str, str],
        form: Mapping[str, str] | None,
    ) -> Answer:
        timeout = Timeout(total=deadline.remaining())
        try:
            with self._pooled().request(
                method,
                url,
                data=form,
                headers={"Accept": "application/json", **headers},
                allow_redirects=False,
                stream=True,
                timeout=timeout,  # type: ignore[arg-type]  # requests passes it on as it is
            ) as response:
                return Answer(what, response.status_code, _read(response))
        except _TooLong:
            failure = f"the answer is longer than {MAX_BYTES} bytes"
        except NotPublic:
            failure = "it leads to an address that is not public"
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            failure = type(error).__name__
        # Outside the handler: what requests raises carries the request, and with it our secrets.
        raise UpstreamUnavailable(f"{what}: {failure}")

    def _pooled(self) -> requests.Session:
        with self._lock:
            if self._session is None or self._pid != os.getpid():
                self._session = _new_session(self._ca_file, public_only=self._public_only)
                self._pid = os.getpid()
            return self._session


class _TooLong(Exception):
    pass


def _read(response: requests.Response) -> bytes:
    body = bytearray()
    for piece in response.iter_content(_PIECE):
        body += piece
        if len(body) > MAX_BYTES:
            raise _TooLong
    return bytes(body)


def _new_session(ca_file: Path | None, *, public_only: bool) -> requests.Session:
    session = requests.Session()
    if ca_file is not None:
        session.verify = str(ca_file)
    session.trust_env = False  # neither proxies nor .netrc: the configuration is one file
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # users share this session
    adapter = timed_adapter(_POOL_SIZE, public_only=public_only)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session

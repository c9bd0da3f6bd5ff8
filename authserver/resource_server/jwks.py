"""Fetches an issuer's keys and keeps them. RFC 8414 §3, RFC 7517 §5"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests
import urllib3

from authserver.oauth.strict_json import parse_object
from authserver.resource_server.errors import KeysUnavailable
from authserver.resource_server.fetching import Fetching
from authserver.resource_server.keys import VerificationKey, import_keys

_MIN_LIFETIME = 60
_MAX_LIFETIME = 3600
_DEFAULT_LIFETIME = 600
_STALE_LIFETIME = 86_400  # how long old keys serve while the issuer does not answer
_REFETCH_INTERVAL = 30  # a stranger's made-up kid cannot make us fetch more often
_RETRY_INTERVAL = 5  # while there are no keys at all

_MAX_AGE = re.compile(r"(?:^|[,\s])max-age=(\d{1,9})(?:$|[,\s])")
_log = logging.getLogger("authserver.resource_server")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, eq=False)
class Keys:
    """The keys as they were fetched at one moment."""

    by_kid: Mapping[str, VerificationKey] = field(default_factory=dict)
    fetched_at: int = 0
    lifetime: int = 0

    def is_fresh(self, now: int) -> bool:
        """Say whether they need no fetch; a clock that jumped back makes them old."""
        return 0 <= now - self.fetched_at < self.lifetime

    def is_usable(self, now: int) -> bool:
        """Say whether they may serve while the issuer does not answer."""
        return bool(self.by_kid) and abs(now - self.fetched_at) < _STALE_LIFETIME


class JwksCache:
    """The keys of one issuer: fetched once for all threads, served stale while it is down."""

    def __init__(self, issuer: str, jwks_uri: str | None, ca_bundle: str | None = None) -> None:
        self._issuer = issuer
        self._configured_uri = jwks_uri
        self._discovered_uri: str | None = None
        self._fetcher = Fetching(ca_bundle)
        self._keys = Keys()
        self._tried_at: int | None = None
        self._failure = ""

    def current(self, now: int) -> Keys:
        """Return the keys, fetched where they are old; raises KeysUnavailable where there are none.

        While one thread fetches, the others go on with the old keys, or wait where there are none.
        """
        keys = self._keys
        if keys.is_fresh(now):
            return keys
        interval = _REFETCH_INTERVAL if keys.is_usable(now) else _RETRY_INTERVAL
        lock = self._fetcher.lock()
        if not lock.acquire(blocking=not keys.is_usable(now)):
            return keys
        try:
            if not self._keys.is_fresh(now) and self._may_try(now, interval):
                self._fetch(now)
        finally:
            lock.release()
        if not self._keys.is_usable(now):
            raise KeysUnavailable(self._failure)
        return self._keys

    def current_for_unknown_kid(self, now: int) -> Keys:
        """Return the keys, fetched again unless that was tried less than 30 seconds ago."""
        with self._fetcher.lock():
            if self._may_try(now, _REFETCH_INTERVAL):
                self._fetch(now)
            return self._keys

    def _may_try(self, now: int, interval: int) -> bool:
        return self._tried_at is None or not 0 <= now - self._tried_at < interval

    def _fetch(self, now: int) -> None:
        """Replace the keys, or leave them as they are where the issuer does not answer well."""
        self._tried_at = now
        try:
            uri = self._configured_uri or self._discovered_uri or self._discover()
            document, lifetime = self._get(uri)
            keys = import_keys(document)
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            self._discovered_uri = None
            self._failure = f"{type(error).__name__}: {error}"
            _log.warning("the keys of %s were not fetched: %s", self._issuer, self._failure)
            return
        self._keys = Keys(keys, now, lifetime)

    def _discover(self) -> str:
        document, _ = self._get(metadata_url(self._issuer))
        uri = document.get("jwks_uri")
        if document.get("issuer") != self._issuer:
            raise ValueError("the metadata names another issuer")
        if not isinstance(uri, str):
            raise ValueError("the metadata has no jwks_uri")  # noqa: TRY004  (a bad document)
        require_secure_url(uri, "jwks_uri")
        self._discovered_uri = uri
        return uri

    def _get(self, url: str) -> tuple[dict[str, object], int]:
        found = self._fetcher.send("GET", url, {"Accept": "application/json"})
        if found.status != 200:
            raise ValueError("the answer is not 200")
        return parse_object(found.body), _lifetime(found.headers.get("cache-control", ""))


def _lifetime(cache_control: str) -> int:
    directives = cache_control.lower()
    if "no-store" in directives or "no-cache" in directives:
        return _MIN_LIFETIME
    match = _MAX_AGE.search(directives)
    seconds = int(match[1]) if match else _DEFAULT_LIFETIME
    return min(max(seconds, _MIN_LIFETIME), _MAX_LIFETIME)


def metadata_url(issuer: str) -> str:
    """Return where the metadata of an issuer lives (RFC 8414 §3.1: inserted before the path)."""
    parts = urlsplit(issuer)
    path = parts.path.removesuffix("/")
    return f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{path}"


def require_secure_url(url: str, name: str) -> None:
    """Raise ValueError unless a URL is https, or http on loopback."""
    parts = urlsplit(url)
    is_secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not is_secure or not parts.hostname or parts.username is not None or "#" in url:
        raise ValueError(f"{name} must be an https URL (http on loopback only)")

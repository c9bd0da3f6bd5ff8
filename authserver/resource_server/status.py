"""Asks the issuer's status list whether a token was revoked. Token Status List draft -21 §8

The list is fetched at most every `ttl` seconds, by one thread; the others go on with the list
before. While the issuer does not answer it is good for five minutes; after that nobody knows, and
no token is accepted.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

import requests
import urllib3

from authserver.oauth import status_list
from authserver.resource_server.errors import InvalidToken, KeysUnavailable
from authserver.resource_server.fetching import Fetching
from authserver.resource_server.jws import SignatureCheck

_MIN_TTL, _MAX_TTL = 5, 300
_MAX_STALE = 300  # seconds that a list serves while the issuer does not answer
_RETRY_INTERVAL = 5
_MAX_LENGTH = 2**22
_log = logging.getLogger("authserver.resource_server")


@dataclass(frozen=True, slots=True)
class _List:
    bits: bytes = field(default=b"", repr=False)
    ttl: int = 0
    expires_at: int = 0
    etag: str = ""
    fetched_at: int | None = None

    def is_fresh(self, now: int) -> bool:
        return self.fetched_at is not None and 0 <= now - self.fetched_at < self.ttl

    def is_usable(self, now: int) -> bool:
        if self.fetched_at is None or now >= self.expires_at:
            return False
        return abs(now - self.fetched_at) < self.ttl + _MAX_STALE


class StatusList:
    """The status list of one issuer."""

    def __init__(self, issuer: str, signature: SignatureCheck, ca_bundle: str | None) -> None:
        self._issuer = issuer
        self._uri = f"{issuer}/status-list"
        self._signature = signature
        self._fetching = Fetching(ca_bundle, max_bytes=_MAX_LENGTH)
        self._list = _List()
        self._tried_at: int | None = None

    def check(self, claims: Mapping[str, object], now: int) -> None:
        """Raise InvalidToken for a token that was revoked, KeysUnavailable where nobody knows.

        A token without a status was issued before its resource had its tokens on the list.
        """
        if "status" not in claims:
            return
        found = status_list.read_claim(claims["status"])
        if found is None or found[0] != self._uri:
            raise InvalidToken("claims")
        try:
            revoked = status_list.is_set(self._current(now).bits, found[1])
        except ValueError:
            raise InvalidToken("claims") from None
        if revoked:
            raise InvalidToken("revoked")

    def _current(self, now: int) -> _List:
        found = self._list
        if found.is_fresh(now):
            return found
        lock = self._fetching.lock()
        if not lock.acquire(blocking=not found.is_usable(now)):
            return found  # another thread fetches
        try:
            if not self._list.is_fresh(now) and self._may_try(now):
                self._tried_at = now
                self._fetch(now)
        finally:
            lock.release()
        if not self._list.is_usable(now):
            raise KeysUnavailable("the status list is not available")
        return self._list

    def _may_try(self, now: int) -> bool:
        return self._tried_at is None or not 0 <= now - self._tried_at < _RETRY_INTERVAL

    def _fetch(self, now: int) -> None:
        """Replace the list, or leave it as it is where the issuer does not answer well."""
        known = self._list
        # A list that was not sent again keeps its own end: ask for a whole one in good time.
        etag = known.etag if now < known.expires_at - status_list.LIFETIME // 2 else ""
        try:
            conditional = {"If-None-Match": etag} if etag else {}
            accepting = {"Accept": status_list.MEDIA_TYPE, **conditional}
            reply = self._fetching.send("GET", self._uri, accepting)
            if reply.status == 304 and etag:
                self._list = _List(known.bits, known.ttl, known.expires_at, etag, now)
                return
            if reply.status != 200:
                raise ValueError("the answer is not 200")  # noqa: TRY301
            self._list = self._read(reply.body.decode("ascii"), reply.headers.get("etag", ""), now)
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            _log.warning("the status list of %s was not fetched: %s", self._issuer, error)
        except InvalidToken as error:
            _log.warning("the status list of %s is not valid: %s", self._issuer, error.reason)

    def _read(self, token: str, etag: str, now: int) -> _List:
        claims = self._signature.claims(token, now, (status_list.TYPE,), _MAX_LENGTH)
        ttl, expires_at = claims.get("ttl", status_list.TTL), claims.get("exp")
        if claims.get("sub") != self._uri or claims.get("iss") != self._issuer:
            raise ValueError("it is the list of another server")
        if type(ttl) is not int or type(expires_at) is not int or now >= expires_at:
            raise ValueError("it has no end, or has ended")
        bits = status_list.decode(claims)
        return _List(bits, min(max(ttl, _MIN_TTL), _MAX_TTL), expires_at, etag, now)

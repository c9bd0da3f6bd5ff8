"""Limits on what strangers may cost, per process: OAuth 2.1 §2.4.1, RFC 7591 §5."""

import ipaddress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from authserver import addresses
from authserver.oauth import opaque
from authserver.oauth.errors import OAuthError
from authserver.settings import RateLimits

_MINUTE = 60


class _Windows:
    """Made at the first count: the storage starts a thread, and a fork may come before."""

    @cached_property
    def moving(self) -> MovingWindowRateLimiter:
        return MovingWindowRateLimiter(MemoryStorage())


@dataclass(frozen=True, slots=True)
class RateLimiter:
    """Counts hits per key in this process; a limit of 0 is off."""

    limits: RateLimits
    _windows: _Windows = field(default_factory=_Windows)

    def check_register(self, address: str) -> None:
        """Count a registration, or a change of one.

        Raises `temporarily_unavailable` with status 429 past a limit.
        """
        if not self._is_trusted(address):
            self._hit(self.limits.register_per_address, "register", network_of(address))
        self._hit(self.limits.register_in_all, "register", "*")

    def check_authorize(self, address: str) -> None:
        """Count an authorization request of an address; raises as `check_register`."""
        if not self._is_trusted(address):
            self._hit(self.limits.authorize_per_address, "authorize", network_of(address))

    def most_on_their_way(self, address: str) -> int | None:
        """Return how many requests of an address may be on their way, None for any number."""
        return None if self._is_trusted(address) else self.limits.pending_per_address or None

    def check_on_their_way(self, count: int, most: int) -> None:
        """Refuse a request of a network that has `count` others on their way, as the others do."""
        if count >= most:
            raise _limited()

    def check_sign_in(self, address: str, step: Literal["press", "return"]) -> None:
        """Count a step of a sign-in that costs the upstream something; raises as the others do.

        As often as an address may begin an authorization, it may go there and come back.
        """
        self._hit(self.limits.authorize_per_address, f"sign-in {step}", network_of(address))

    def check_user_code(self, address: str, browser: str) -> None:
        """Count a typed code of an address, of a browser and of all; raises as the others do."""
        limit = self.limits.user_codes_per_address
        self._hit(limit, "user code at", network_of(address))
        self._hit(limit, "user code in", browser)
        self._hit(self.limits.user_codes_in_all, "user code", "*")

    def count_failure(self, client_id: str, address: str) -> None:
        """Count a refused secret, code or token of a client at an address; raises past a limit."""
        self._hit(self.limits.failures_per_client, *_failure_key(client_id, address))

    def check_fetch(self, host: str, address: str, *, is_known: bool) -> None:
        """Count a document that an address has us fetch from a host; raises as the others do.

        What is known here is counted apart: what is made up does not use that up.
        """
        what = "known" if is_known else "fetch"
        if not self._is_trusted(address):
            self._hit(self.limits.fetches_per_address, f"{what} for", network_of(address))
        self._hit(self.limits.fetches_per_host, what, host)

    def count_refused_logout(self, address: str) -> None:
        """Count a refused logout token of an address; raises past a limit."""
        self._hit(self.limits.failures_per_client, "logout", network_of(address))

    def _is_trusted(self, address: str) -> bool:
        parsed = addresses.parse(address)
        return parsed is not None and any(parsed in each for each in self.limits.trusted_egress)

    def _hit(self, limit: int, *key: str) -> None:
        item = _per_minute(limit)
        if item and not self._windows.moving.hit(item, *key):
            raise _limited()


def network_of(address: str) -> str:
    """Return what is counted as one peer: an IPv4 address, or the /64 of an IPv6 address."""
    parsed = addresses.parse(address)
    if parsed is None:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network(f"{parsed}/64", strict=False))
    return str(parsed)


def _failure_key(client_id: str, address: str) -> tuple[str, ...]:
    # What a stranger calls a client may be 64 KB long, and stays in memory for a minute.
    return "failure", opaque.digest(client_id), network_of(address)


def _per_minute(limit: int) -> RateLimitItem | None:
    return RateLimitItemPerMinute(limit) if limit else None


def _limited() -> OAuthError:
    return OAuthError(
        "temporarily_unavailable",
        "Too many requests; try again later.",
        detail="rate_limited",
        status=429,
        headers=(("Retry-After", str(_MINUTE)),),
    )

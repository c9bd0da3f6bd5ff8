"""A user's upstream token for a resource, refreshed where it has to be: RFC 6749 §6, RFC 8693 §2

Rotating refresh tokens work once: whoever refreshes holds a lease on the row, calls the provider
outside of any transaction, and stores what came before anything else can fail. The others wait
and read again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from authserver.app import AuthServer
from authserver.oauth.resource import Resource
from authserver.upstream.errors import UpstreamUnavailable
from authserver.vault import refreshing
from authserver.vault.held import FRESHNESS, HeldTokens, find
from authserver.vault.refreshing import Refused

Reason = Literal["not_kept", "no_tokens", "expired", "refused"]
_PAUSE = 0.05  # seconds between two looks at the row while another one refreshes it


@dataclass(frozen=True, slots=True)
class UpstreamToken:
    """A token for the API behind an MCP server; `expires_at` is None where nobody said."""

    access_token: str = field(repr=False)
    id_token: str | None = field(repr=False)
    scope: tuple[str, ...]
    expires_at: int | None


class NoUpstreamToken(Exception):
    """There is none. Unless the resource asks for none (`not_kept`), the user connects again."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


def upstream_token(
    server: AuthServer,
    sub: str,
    resource: Resource,
    now: int,
    *,
    request_id: str = "",
    sleep: Callable[[float], None] = time.sleep,
) -> UpstreamToken:
    """Return the upstream token of a user for a resource, good for a minute at least if it can be.

    Raises NoUpstreamToken, UpstreamUnavailable (the provider is down and the token has expired;
    nothing is lost, try again) and UnknownKey. `sleep` waits while another one refreshes.
    """
    if resource.upstream_token != "exchange":  # kept for nobody's use, if at all
        raise NoUpstreamToken("not_kept")
    client_id, needed, waited = server.settings.upstream.client_id, FRESHNESS, 0.0
    while waited <= server.settings.upstream.request_timeout:
        moment = now + int(waited)
        held = _find(server, sub, resource)
        if held.is_valid(moment, needed if held.can_refresh(client_id) else 0):
            return _token(held)
        if _refresh(server, held, moment, request_id):
            needed = 0  # some providers' tokens never are good for a minute
        elif held.is_valid(moment):
            return _token(held)  # while another one refreshes, or nobody can
        else:
            sleep(_PAUSE)
        waited += _PAUSE
    raise UpstreamUnavailable("another instance refreshes, and takes too long")


def _find(server: AuthServer, sub: str, resource: Resource) -> HeldTokens:
    with server.store.read() as reads:
        user = reads.user(sub)
        held = None if user is None else find(server, reads, user, resource)
    if held is None:
        raise NoUpstreamToken("no_tokens")
    return held


def _refresh(server: AuthServer, held: HeldTokens, now: int, request_id: str) -> bool:
    """Refresh the tokens; False where another one does, or where they still do and nobody can.

    Raises NoUpstreamToken, UpstreamUnavailable.
    """
    if not held.can_refresh(server.settings.upstream.client_id):
        raise NoUpstreamToken("expired")
    try:
        return refreshing.refresh(server, held, now, request_id)
    except Refused:
        raise NoUpstreamToken("refused") from None
    except UpstreamUnavailable:
        if not held.is_valid(now):
            raise
        return False


def _token(held: HeldTokens) -> UpstreamToken:
    stored = held.stored
    return UpstreamToken(held.access_token, held.id_token, stored.scope, stored.expires_at)

"""Whether the upstream still stands by a user: it is asked, whatever the kept tokens say

OAuth 2.1 §4.3: a refresh token that the provider still honours is its word that the user may come.
Where it gave none, its userinfo endpoint is asked whose the access token is (RFC 6750 §3.1).
"""

import time
from collections.abc import Callable
from typing import Literal

from authserver.app import AuthServer
from authserver.oauth.resource import Resource
from authserver.oauth.user import User
from authserver.upstream.errors import UpstreamError, UpstreamUnavailable
from authserver.vault import refreshing
from authserver.vault.held import HeldTokens, find
from authserver.vault.refreshing import Refused

Reason = Literal["no_tokens", "other_client", "expired", "refused"]
_PAUSE = 0.05  # seconds between two looks at the row while another request asks
_PATIENCE = 1.0  # seconds; short, for who waits holds a thread that the bulkhead does not count


class Gone(Exception):
    """The upstream stands by the user no more, or cannot be asked without the user."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


def ask(
    server: AuthServer,
    user: User,
    resource: Resource,
    now: int,
    *,
    request_id: str = "",
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Return where the upstream stands by a user of a resource for which it is asked.

    Of requests at the same time one asks and the others take its answer. No transaction is open
    meanwhile. Raises Gone, UpstreamUnavailable (nothing is decided and nothing lost) and
    UnknownKey. `sleep` waits while another one asks.
    """
    first = held = _find(server, user, resource)
    waited = 0.0
    while True:
        if held.stored.upstream_client_id != server.settings.upstream.client_id:
            raise Gone("other_client")
        if held.refresh_token is None:
            return _ask_whose(server, held, now, request_id)
        if _asks(server, held, now, request_id):
            _find(server, user, resource)  # gone, where the answer came too late for its lease
            return None
        if waited >= _PATIENCE:
            raise UpstreamUnavailable("another request asks, and takes too long")
        sleep(_PAUSE)
        waited += _PAUSE
        held = _find(server, user, resource)
        if _is_newer(held, first):
            return None


def _find(server: AuthServer, user: User, resource: Resource) -> HeldTokens:
    with server.store.read() as reads:
        held = find(server, reads, user, resource)
    if held is None:
        raise Gone("no_tokens")
    return held


def _asks(server: AuthServer, held: HeldTokens, now: int, request_id: str) -> bool:
    """Refresh the tokens; False where another request does."""
    try:
        return refreshing.refresh(server, held, now, request_id)
    except Refused:
        raise Gone("refused") from None


def _is_newer(held: HeldTokens, seen: HeldTokens) -> bool:
    """Say whether tokens came, and were verified, since others were seen."""
    rotated = (held.access_token, held.refresh_token) != (seen.access_token, seen.refresh_token)
    return rotated and held.stored.expires_at != refreshing.UNVERIFIED


def _ask_whose(server: AuthServer, held: HeldTokens, now: int, request_id: str) -> None:
    """Ask whose the access token is: there is nothing else to ask with."""
    stored = held.stored
    if not held.is_valid(now):
        raise Gone("expired")
    try:
        server.upstream.check_access(held.access_token, subject=stored.upstream_subject)
    except UpstreamError as error:
        reason = error.reason
    else:
        return
    with server.store.write() as tx:
        # Not where the user has signed in meanwhile: what they brought is another row.
        if tx.forget_seen_tokens(stored.digest, stored.access_token):
            tx.end_dependent_grants(stored.sub, stored.resource, now)
    refreshing.note(server, "refused", stored, now, request_id, reason=reason)
    raise Gone("refused")

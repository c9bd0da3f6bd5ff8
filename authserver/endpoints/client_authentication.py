"""Who asks: what the endpoints for clients share: OAuth 2.1 §2.4, RFC 7523 §3."""

from collections.abc import Iterator
from contextlib import contextmanager

from authserver.app import AuthServer
from authserver.endpoints import clients
from authserver.message import Request
from authserver.oauth import client_assertion, client_auth
from authserver.oauth.client import Client
from authserver.oauth.errors import OAuthError

_GUESSES = frozenset({"invalid_client", "invalid_grant"})


def authenticate(
    server: AuthServer,
    request: Request,
    *,
    ask: clients.Ask = "met",
    began_at: int | None = None,
) -> Client:
    """Return the client that a request proves to come from; raises `invalid_client`.

    `ask` says whose document may be fetched for it, and `began_at` since when the request that it
    goes on with is on its way, see `clients.proving`.

    An assertion is good once: it is spent here, whatever becomes of the request.
    """
    now = request.now
    credentials = client_auth.parse(request.header("authorization"), request.params)
    with slowed_down(server, credentials.client_id, request):
        found = clients.proving(server, credentials, request, ask, began_at)
        client, proven = client_auth.check(found, credentials, server.issuer, now)
        if proven is not None:
            with server.store.write() as tx:
                is_new = tx.spend_assertion(proven.digest, proven.expires_at)
            if not is_new:
                raise client_assertion.refused("replayed")
    return client


@contextmanager
def slowed_down(server: AuthServer, client_id: str, request: Request) -> Iterator[None]:
    """Count the guesses that the block refuses: only who fails is slowed down.

    An honest client beside a guesser is not.
    """
    try:
        yield
    except OAuthError as error:
        if error.code in _GUESSES:
            server.limiter.count_failure(client_id, request.address)
        raise

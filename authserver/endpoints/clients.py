"""Who a client_id is: of the configuration, registered, or published at it: OAuth 2.1 §2.2."""

from typing import Literal

from authserver.app import AuthServer
from authserver.client_documents import Count
from authserver.message import Request
from authserver.oauth import client_assertion, client_document
from authserver.oauth.client import Client
from authserver.oauth.client_auth import Credentials
from authserver.storage.store import Reads

Ask = Literal["anybody", "met", "nobody"]


def asking(server: AuthServer, client_id: str, address: str, now: int) -> Client | None:
    """Return the client that begins an authorization; raises `invalid_client` with the reason.

    One that publishes itself is fetched where its document is not fresh.
    """
    if _is_published(server, client_id):
        return server.documents.current(client_id, now, _count(server, address))
    with server.store.read() as reads:
        return server.client(reads, client_id)


def known(server: AuthServer, reads: Reads, client_id: str) -> Client | None:
    """Return the client of a request that is on its way: nobody is asked."""
    if _is_published(server, client_id):
        return server.documents.known(reads, client_id)
    return server.client(reads, client_id)


def proving(
    server: AuthServer, credentials: Credentials, request: Request, ask: Ask
) -> Client | None:
    """Return the client that these credentials name, with the keys that may prove them.

    `ask` says whose document may be fetched: anybody's, that of a client which began here before,
    or nobody's, where a public client is what it last said of itself. What was granted goes on for
    a day while the host of its document does not answer.
    """
    found = _named(server, credentials, request, ask)
    if found is None or credentials.method != "private_key_jwt":
        return found
    kid = client_assertion.key_id(credentials.assertion)
    count = _count(server, request.address)
    return server.documents.with_keys(found, kid, request.now, count)


def _named(
    server: AuthServer, credentials: Credentials, request: Request, ask: Ask
) -> Client | None:
    client_id, is_public = credentials.client_id, credentials.method == "none"
    is_published = _is_published(server, client_id)
    if is_published and not (ask == "nobody" and is_public):
        count, met = _count(server, request.address), ask != "anybody"
        return server.documents.current(client_id, request.now, count, met=met)
    with server.store.read() as reads:
        if is_published:
            return server.documents.known(reads, client_id)
        return server.client(reads, client_id)


def _count(server: AuthServer, address: str) -> Count:
    return lambda host: server.limiter.check_fetch(host, address)


def _is_published(server: AuthServer, client_id: str) -> bool:
    return (
        server.settings.publishers.enabled
        and client_document.is_url(client_id)
        and client_id not in server.settings.clients
    )

"""Who a client_id is: of the configuration, registered, or published at it: OAuth 2.1 §2.2."""

from typing import Literal

from authserver.app import AuthServer
from authserver.message import Request
from authserver.oauth import client_assertion, client_document, command_line, signed_client
from authserver.oauth.client import Client
from authserver.oauth.client_auth import Credentials
from authserver.published.documents import Asker
from authserver.published.strangers import Count
from authserver.storage.store import Reads

Ask = Literal["anybody", "met", "nobody"]


def asking(
    server: AuthServer, client_id: str, address: str, request_id: str, now: int
) -> Client | None:
    """Return the client that begins an authorization; raises `invalid_client` with the reason.

    One that publishes itself is fetched where its document is not fresh.
    """
    if _is_published(server, client_id):
        asker = _asker(server, address, request_id, now)
        return server.documents.current(client_id, now, asker)
    with server.store.read() as reads:
        return _ours(server, reads, client_id, now)


def known(server: AuthServer, reads: Reads, client_id: str, began_at: int) -> Client | None:
    """Return the client of a request that is on its way since `began_at`: nobody is asked."""
    if _is_published(server, client_id):
        return server.documents.known(reads, client_id)
    return _ours(server, reads, client_id, began_at)


def proving(
    server: AuthServer,
    credentials: Credentials,
    request: Request,
    ask: Ask,
    began_at: int | None = None,
) -> Client | None:
    """Return the client that these credentials name, with the keys that may prove them.

    `ask` says whose document may be fetched: anybody's, that of a client which began here before,
    or nobody's, where a public client is what it last said of itself. What was granted goes on for
    a day while the host of its document does not answer. An id that ends is looked at as of
    `began_at`, else of now.
    """
    found = _named(server, credentials, request, ask, began_at)
    if found is None or credentials.method != "private_key_jwt":
        return found
    kid = client_assertion.key_id(credentials.assertion)
    count = _count(server, request.address)
    return server.documents.with_keys(found, kid, request.now, count)


def _named(
    server: AuthServer,
    credentials: Credentials,
    request: Request,
    ask: Ask,
    began_at: int | None,
) -> Client | None:
    client_id, is_public = credentials.client_id, credentials.method == "none"
    is_published = _is_published(server, client_id)
    if is_published and not (ask == "nobody" and is_public):
        asker, met = _asker(server, request.address, request.id, request.now), ask != "anybody"
        return server.documents.current(client_id, request.now, asker, met=met)
    with server.store.read() as reads:
        if is_published:
            return server.documents.known(reads, client_id)
        return _ours(server, reads, client_id, request.now if began_at is None else began_at)


def _ours(server: AuthServer, reads: Reads, client_id: str, now: int) -> Client | None:
    """Return a client that needs nobody else to say who it is."""
    if client_id in server.settings.clients:
        return server.client(reads, client_id)
    if client_id == command_line.client_id(server.issuer):
        return _command_line(server)
    if signed_client.is_signed(client_id):
        return _signed(server, reads, client_id, now)
    return server.client(reads, client_id)


def _command_line(server: AuthServer) -> Client | None:
    settings = server.settings
    return command_line.client(settings.issuer) if settings.publishers.enabled else None


def _signed(server: AuthServer, reads: Reads, client_id: str, now: int) -> Client | None:
    """Return a client whose id holds what it says, by the rules of today.

    Once a user agreed it is stored, and no key and no end of the id matters any more.
    """
    policy = server.settings.registration
    stored = reads.registration(client_id)
    if stored is not None:
        return None if stored.blocked else signed_client.today(stored.client, policy)
    if not (policy.enabled and policy.stateless):
        return None
    return signed_client.find(server.client_id_keys, server.issuer, client_id, policy, now)


def _count(server: AuthServer, address: str) -> Count:
    return lambda host, is_known: server.limiter.check_fetch(host, address, is_known=is_known)


def _asker(server: AuthServer, address: str, request_id: str, now: int) -> Asker:
    def updated(client: Client) -> None:
        server.audit.emit(
            "client.updated",
            now=now,
            request_id=request_id,
            client_id=client.client_id,
            client_name=client.client_name,
            address=address,
        )

    return Asker(_count(server, address), updated)


def _is_published(server: AuthServer, client_id: str) -> bool:
    return (
        server.settings.publishers.enabled
        and client_document.is_url(client_id)
        and client_id != command_line.client_id(server.issuer)
        and client_id not in server.settings.clients
    )

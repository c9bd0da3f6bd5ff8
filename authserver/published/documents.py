"""Clients that publish themselves, found by their URL: CIMD draft -01 §4, §4.2, RFC 5861 §4

The newest document of each is in the database, for every instance and for when its host is down.
One that did not come, or does not describe the client, is never kept. No transaction is open while
somebody else is asked.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from authserver.kept import Kept
from authserver.oauth import client as clients
from authserver.oauth import client_document
from authserver.oauth.client import Client, RegistrationPolicy
from authserver.oauth.client_document import Publishers
from authserver.oauth.errors import OAuthError
from authserver.published.fetch import Fetcher, FetchFailed, Withdrawn
from authserver.published.key_sets import KeySets
from authserver.published.strangers import MAX_KEPT, WHILE_FETCHED, Count, Strangers, unavailable
from authserver.storage.client_documents import StoredDocument
from authserver.storage.store import Reads, Store
from authserver.upstream import jwks
from authserver.upstream.bulkhead import DEFAULT_CALLS


@dataclass(frozen=True, slots=True)
class Asker:
    """On whose behalf a document is fetched.

    `count` counts that. `updated` is told of a client that a newer document describes otherwise, in
    what a user agreed to.
    """

    count: Count
    updated: Callable[[Client], None]


class ClientDocuments:
    """Finds these clients, and the keys with which they prove themselves."""

    def __init__(
        self,
        store: Store,
        fetcher: Fetcher,
        publishers: Publishers,
        policy: RegistrationPolicy,
        calls: int = DEFAULT_CALLS,
    ) -> None:
        self._store = store
        self._strangers = Strangers(fetcher, calls)
        self._publishers = publishers
        self._policy = policy
        self._clients: Kept[Client] = Kept(MAX_KEPT)
        self._key_sets = KeySets(self._strangers, publishers)

    def known(self, reads: Reads, client_id: str) -> Client | None:
        """Return the client as its newest document described it, for a request on its way."""
        try:
            client_document.check_url(client_id, self._publishers)
        except OAuthError:
            return None
        stored = reads.client_document(client_id)
        return None if stored is None else self._parsed(stored)

    def current(self, client_id: str, now: int, asker: Asker, *, met: bool = False) -> Client:
        """Return the client as its document describes it now, or did not long ago.

        With `met` nobody is asked about a client that never began an authorization here, and the
        document before serves for a day more where its host was asked in vain.

        Raises `invalid_client`, `temporarily_unavailable`, and what `asker.count` raises.
        """
        host = client_document.check_url(client_id, self._publishers)
        found = self._clients.find(client_id, now)
        if found is not None:
            return found
        with self._store.read() as reads:
            stored = reads.client_document(client_id)
        if stored is None:
            if met:
                raise _refused("document_never_asked_for")
            return self._newer(client_id, host, None, now, asker, is_known=False)
        before = self._parsed(stored)
        if before is not None and stored.serves(now):
            self._clients.keep(client_id, before, stored.fresh_until, now)
            return before
        is_recent = stored.serves(now, longer=WHILE_FETCHED)
        if before is not None and is_recent and self._clients.is_being_fetched(client_id):
            return before  # nobody has to wait for what was good a moment ago
        if not (met and stored.serves(now, longer=client_document.STALE)):
            before = None
        is_known = self._is_in_use(client_id, now)
        return self._newer(client_id, host, before, now, asker, is_known=is_known)

    def with_keys(self, client: Client, kid: str | None, now: int, count: Count) -> Client:
        """Return the client with the keys of its `jwks` or `jwks_uri`; raises as `current` does.

        A `kid` that is not there has them fetched again, twice a minute at most.
        """
        if client.jwks is not None:
            return replace(client, keys=jwks.of_client(client.jwks, None))
        if client.jwks_uri is None:
            return client
        is_in_use = partial(self._is_in_use, client.client_id, now)
        keys = self._key_sets.find(client, client.jwks_uri, kid, now, count, is_in_use)
        return replace(client, keys=keys)

    def close(self) -> None:
        """Close the idle connections."""
        self._strangers.close()

    def _newer(
        self,
        client_id: str,
        host: str,
        before: Client | None,
        now: int,
        asker: Asker,
        *,
        is_known: bool,
    ) -> Client:
        """Return the client by a newer document, `before` where its host was asked in vain."""
        if before is not None and self._strangers.has_just_failed(client_id, now):
            return before
        try:
            return self._clients.get(
                client_id,
                now,
                lambda: self._fetched(client_id, host, now, asker, is_known=is_known),
                waiting=partial(self._strangers.waiting, host, is_known=is_known),
            )
        except FetchFailed as failure:
            if before is None or isinstance(failure, Withdrawn):
                raise unavailable(str(failure)) from None
            return before

    def _fetched(
        self, client_id: str, host: str, now: int, asker: Asker, *, is_known: bool
    ) -> tuple[Client, int]:
        most = client_document.MAX_BYTES
        try:
            fetched = self._strangers.ask(
                client_id, host, most, now, asker.count, is_known=is_known
            )
            found = self._described(client_id, fetched.body)
        except (Withdrawn, OAuthError):
            self._withdraw(client_id, now)
            raise
        fresh_until = now + client_document.fresh_for(fetched.fresh_for)
        document = StoredDocument(client_id, fetched.body.decode(), now, fresh_until)
        return self._kept(document, found, asker)

    def _described(self, client_id: str, body: bytes) -> Client:
        found = client_document.parse(body, client_id, self._policy)
        alg = found.token_endpoint_auth_signing_alg
        if found.jwks is not None and not jwks.of_client(found.jwks, alg):
            raise _refused("document_keys_unusable")
        return found

    def _withdraw(self, client_id: str, now: int) -> None:
        """Let what there was serve no longer: its host answered, and does not publish it."""
        with self._store.read() as reads:
            is_stored = reads.client_document(client_id) is not None
        if is_stored:
            with self._store.write() as tx:
                tx.withdraw_client_document(client_id, now)

    def _is_in_use(self, client_id: str, now: int) -> bool:
        with self._store.read() as reads:
            return reads.has_live_grant(client_id, now)

    def _kept(self, document: StoredDocument, found: Client, asker: Asker) -> tuple[Client, int]:
        """Keep a document; return it, or the newer one that another instance has by now."""
        with self._store.write() as tx:
            stored = tx.client_document(document.client_id)
            is_newest = tx.keep_client_document(document)
            newest = None if is_newest else tx.client_document(document.client_id)
        before = None if stored is None else self._parsed(stored)
        if is_newest and before is not None and clients.digest(before) != clients.digest(found):
            asker.updated(found)
        newer = None if newest is None else self._parsed(newest)
        if newest is not None and not newest.serves(document.fetched_at):
            raise unavailable("it was withdrawn meanwhile")
        if newest is None or newer is None:
            return found, document.fresh_until
        return newer, newest.fresh_until

    def _parsed(self, stored: StoredDocument) -> Client | None:
        """Return what a stored document describes; None where it does no more, by our rules now."""
        body = stored.document.encode()
        try:
            return client_document.parse(body, stored.client_id, self._policy)
        except OAuthError:
            return None


def _refused(detail: str) -> OAuthError:
    return OAuthError("invalid_client", "The client is not known.", detail=detail)

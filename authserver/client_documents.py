"""Clients that publish themselves, found by their URL: CIMD draft -01 §4, §4.2

The newest document of each is in the database, for every instance and for when its host is down.
One that did not come, or does not describe the client, is never kept. No transaction is open while
somebody else is asked.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from joserfc.jwk import Key

from authserver.fetch import Fetched, Fetcher, FetchFailed
from authserver.kept import Kept
from authserver.oauth import client_document, stranger_url
from authserver.oauth.client import Client, RegistrationPolicy
from authserver.oauth.client_document import Publishers
from authserver.oauth.errors import OAuthError
from authserver.oauth.strict_json import parse_object
from authserver.storage.client_documents import StoredDocument
from authserver.storage.store import Reads, Store
from authserver.upstream import jwks

_MAX_KEYS_BYTES = 64 * 1024
_RETRY_AFTER = 30
_KEYS_RETRY = 30  # seconds between two fetches for a `kid` that a set does not have
_logger = logging.getLogger("authserver")

T = TypeVar("T")
Count = Callable[[str], None]  # called with each host that is asked; raises past its limit


@dataclass(frozen=True, slots=True)
class _KeySet:
    keys: tuple[Key, ...]
    fetched_at: int
    fresh_until: int

    def is_due(self, kid: str | None, now: int) -> bool:
        """Say whether to look for a newer one: it is old, or lacks a key, but not of just now."""
        lacks = kid is not None and all(key.kid != kid for key in self.keys)
        return now >= self.fresh_until or (lacks and now >= self.fetched_at + _KEYS_RETRY)


class ClientDocuments:
    """Finds these clients, and the keys with which they prove themselves."""

    def __init__(
        self, store: Store, fetcher: Fetcher, publishers: Publishers, policy: RegistrationPolicy
    ) -> None:
        self._store = store
        self._fetcher = fetcher
        self._publishers = publishers
        self._policy = policy
        self._clients: Kept[Client] = Kept()
        self._key_sets: Kept[_KeySet] = Kept()

    def known(self, reads: Reads, client_id: str) -> Client | None:
        """Return the client as its newest document described it, for a request on its way."""
        if not self._is_admitted(client_id):
            return None
        stored = reads.client_document(client_id)
        return None if stored is None else self._parsed(stored)

    def current(self, client_id: str, now: int, count: Count, *, met: bool = False) -> Client:
        """Return the client as its document describes it now, or did not long ago.

        With `met` nobody is asked about a client that never began an authorization here, and the
        document before serves for a day more while there is no new one.

        Raises `invalid_client`, `temporarily_unavailable`, and what `count` raises.
        """
        host = client_document.check_url(client_id, self._publishers)
        found = self._clients.find(client_id, now)
        if found is not None:
            return found
        fetch = partial(self._fresh, client_id, host, now, count, met=met)
        try:
            return self._waiting(self._clients, client_id, now, fetch)
        except OAuthError:
            found = self._before(client_id, now) if met else None
            if found is None:
                raise
            return found

    def with_keys(self, client: Client, kid: str | None, now: int, count: Count) -> Client:
        """Return the client with the keys of its `jwks` or `jwks_uri`; raises as `current` does.

        A `kid` that is not there has them fetched again, twice a minute at most.
        """
        uri = client.jwks_uri
        if client.jwks is not None:
            return replace(client, keys=jwks.of_client(client.jwks, None))
        if uri is None:
            return client
        fetch = partial(self._fetched_keys, uri, now, count)
        known = self._key_sets.find(uri, now)
        if known is None:
            known = self._waiting(self._key_sets, uri, now, fetch)
        elif known.is_due(kid, now):
            known = self._renewed(known, uri, now, fetch)
        return replace(client, keys=known.keys)

    def close(self) -> None:
        """Close the idle connections."""
        self._fetcher.close()

    def _waiting(self, kept: Kept[T], key: str, now: int, fetch: Callable[[], tuple[T, int]]) -> T:
        """Return what is fetched, by this thread or by another one: few may wait for that."""
        try:
            with self._fetcher.turn():
                return kept.get(key, now, fetch)
        except FetchFailed as error:
            failure = str(error)
        raise OAuthError(
            "temporarily_unavailable",
            "The client's own document cannot be fetched at the moment.",
            detail=f"document_not_fetched: {failure}",
            headers=(("Retry-After", str(_RETRY_AFTER)),),
        )

    def _renewed(
        self, known: _KeySet, uri: str, now: int, fetch: Callable[[], tuple[_KeySet, int]]
    ) -> _KeySet:
        """Return a newer set, the one before where there is none."""
        try:
            with self._fetcher.turn():
                found, kept_until = fetch()
        except (FetchFailed, OAuthError):
            return known
        self._key_sets.keep(uri, found, kept_until, now)
        return found

    def _is_admitted(self, client_id: str) -> bool:
        try:
            client_document.check_url(client_id, self._publishers)
        except OAuthError:
            return False
        return self._publishers.enabled

    def _before(self, client_id: str, now: int) -> Client | None:
        """Return what there was, where that is not too long ago."""
        with self._store.read() as reads:
            stored = reads.client_document(client_id)
        if stored is None or now >= stored.fresh_until + client_document.STALE:
            return None
        return self._parsed(stored)

    def _fresh(
        self, client_id: str, host: str, now: int, count: Count, *, met: bool
    ) -> tuple[Client, int]:
        with self._store.read() as reads:
            stored = reads.client_document(client_id)
        if stored is not None and now < stored.fresh_until:
            found = self._parsed(stored)
            if found is not None:
                return found, stored.fresh_until
        if stored is None and met:
            raise _refused("document_never_asked_for")
        fetched = self._fetch(client_id, host, client_document.MAX_BYTES, count)
        found = client_document.parse(fetched.body, client_id, self._policy)
        fresh_until = now + client_document.fresh_for(fetched.fresh_for)
        document = StoredDocument(client_id, fetched.body.decode(), now, fresh_until)
        with self._store.write() as tx:
            tx.keep_client_document(document)
        return found, fresh_until

    def _fetched_keys(self, uri: str, now: int, count: Count) -> tuple[_KeySet, int]:
        url = stranger_url.parse(uri)
        if url is None or not self._publishers.reaches(url):
            raise _refused("keys_host_not_admitted")
        fetched = self._fetch(uri, url.host, _MAX_KEYS_BYTES, count)
        try:
            keys = jwks.of_client(parse_object(fetched.body), None)
        except ValueError:
            keys = ()
        if not keys:
            raise _refused("keys_unusable")
        fresh_until = now + client_document.fresh_for(fetched.fresh_for)
        return _KeySet(keys, now, fresh_until), fresh_until + client_document.STALE

    def _fetch(self, url: str, host: str, max_bytes: int, count: Count) -> Fetched:
        count(host)
        try:
            return self._fetcher.get(url, max_bytes)
        except FetchFailed as error:
            _logger.info("a document of %s was not fetched: %s", host, error)
            raise

    def _parsed(self, stored: StoredDocument) -> Client | None:
        """Return what a stored document describes; None where it does no more, by our rules now."""
        body = stored.document.encode()
        try:
            return client_document.parse(body, stored.client_id, self._policy)
        except OAuthError:
            return None


def _refused(detail: str) -> OAuthError:
    return OAuthError("invalid_client", "The client is not known.", detail=detail)

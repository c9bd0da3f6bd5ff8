"""The keys that clients publish at their `jwks_uri`: RFC 7591 §2, RFC 7517 §5, RFC 5861 §4

In memory: a process that has none asks. A set is replaced when it is old, or lacks a key.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from joserfc.jwk import Key

from authserver.kept import Kept
from authserver.oauth import client_document, stranger_url
from authserver.oauth.client import Client
from authserver.oauth.client_document import Publishers
from authserver.oauth.errors import OAuthError
from authserver.oauth.strict_json import parse_object
from authserver.published.fetch import FetchFailed, Withdrawn
from authserver.published.strangers import WHILE_FETCHED, Count, Strangers, unavailable
from authserver.upstream import jwks

_MAX_BYTES = 64 * 1024
_MAX_KEPT = 1000  # sets
_RETRY = 30  # seconds between two fetches for a `kid` that a set does not have


@dataclass(frozen=True, slots=True)
class _KeySet:
    keys: tuple[Key, ...]
    fetched_at: int
    fresh_until: int

    def is_due(self, kid: str | None, now: int) -> bool:
        """Say whether to look for a newer one: it is old, or lacks a key, but not of just now."""
        lacks = kid is not None and all(key.kid != kid for key in self.keys)
        return now >= self.fresh_until or (lacks and now >= self.fetched_at + _RETRY)

    def may_serve_on(self, kid: str | None, now: int) -> bool:
        """Say whether it was good a moment ago, and has the key: while another thread asks."""
        has_it = kid is None or any(key.kid == kid for key in self.keys)
        return has_it and now < self.fresh_until + WHILE_FETCHED


class KeySets:
    """Finds the keys of clients, each set fetched by one thread at a time."""

    def __init__(self, strangers: Strangers, publishers: Publishers) -> None:
        self._strangers = strangers
        self._publishers = publishers
        self._kept: Kept[_KeySet] = Kept(_MAX_KEPT, share=1.0)

    def find(
        self,
        client: Client,
        uri: str,
        kid: str | None,
        now: int,
        count: Count,
        is_in_use: Callable[[], bool],
    ) -> tuple[Key, ...]:
        """Return the keys at a client's `jwks_uri`, looking for a newer set where `kid` is missing.

        `is_in_use` says whether strangers could not have made the client up.
        The set before serves where its host was asked in vain, for a day at most. Raises
        `invalid_client`, `temporarily_unavailable`, and what `count` raises.
        """
        host = self._check(client, uri)
        before = self._kept.find(uri, now)
        if before is not None and (
            not before.is_due(kid, now)
            or self._strangers.has_just_failed(uri, now)
            or (before.may_serve_on(kid, now) and self._kept.is_being_fetched(uri))
        ):
            return before.keys
        is_known = client.preregistered or is_in_use()
        try:
            return self._kept.get(
                uri,
                now,
                lambda: self._fetched(uri, host, now, count, is_known=is_known),
                waiting=partial(self._strangers.waiting, host, is_known=is_known),
                is_due=lambda found: found.is_due(kid, now),
            ).keys
        except FetchFailed as failure:
            if before is None or isinstance(failure, Withdrawn):
                raise unavailable(str(failure)) from None
            return before.keys

    def _check(self, client: Client, uri: str) -> str:
        """Return the host of a `jwks_uri`; one that the operator wrote need not be admitted."""
        url = stranger_url.parse(uri)
        is_allowed = self._publishers.reaches if client.preregistered else self._publishers.admits
        if url is None or not is_allowed(url):
            raise _refused("keys_host_not_admitted")
        return url.host

    def _fetched(
        self, uri: str, host: str, now: int, count: Count, *, is_known: bool
    ) -> tuple[_KeySet, int]:
        try:
            fetched = self._strangers.ask(uri, host, _MAX_BYTES, now, count, is_known=is_known)
            keys = jwks.of_client(parse_object(fetched.body), None)
        except Withdrawn:
            self._kept.forget(uri)
            raise
        except ValueError:
            keys = ()
        if not keys:
            self._kept.forget(uri)
            raise _refused("keys_unusable")
        fresh_until = now + client_document.fresh_for(fetched.fresh_for)
        return _KeySet(keys, now, fresh_until), fresh_until + client_document.STALE


def _refused(detail: str) -> OAuthError:
    return OAuthError("invalid_client", "The client is not known.", detail=detail)

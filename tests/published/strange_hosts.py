"""Hosts of strangers without a network: what they answer, and when, is for the test to say."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from authserver.oauth.client import RegistrationPolicy
from authserver.oauth.client_document import Publishers
from authserver.published.documents import Asker, ClientDocuments
from authserver.published.fetch import Fetched, Fetcher, FetchFailed
from authserver.published.strangers import Strangers
from authserver.storage.store import Store


class StrangeHosts(Fetcher):
    """Answers what `documents` has for a URL, an exception by raising it."""

    def __init__(self) -> None:
        super().__init__()
        self.documents: dict[str, Any] = {}
        self.asked: list[str] = []
        self.hanging: dict[str, threading.Event] = {}
        self.was_asked = threading.Semaphore(0)

    def get(self, url: str, max_bytes: int) -> Fetched:  # noqa: ARG002 - nothing here is long
        self.asked.append(url)
        self.was_asked.release()
        if url in self.hanging:
            assert self.hanging[url].wait(20)
        found = self.documents.get(url, FetchFailed("it is down"))
        if isinstance(found, Exception):
            raise found
        return Fetched(json.dumps(found).encode(), None)

    def publish(self, url: str, **changes: Any) -> str:
        """Publish a client at a URL and return that."""
        callback = ["https://app.example/callback"]
        document = {"client_id": url, "client_name": "Editor", "redirect_uris": callback, **changes}
        self.documents[url] = document
        return url

    def hang(self, *urls: str) -> threading.Event:
        """Have these not answer until the event that is returned is set."""
        event = threading.Event()
        self.hanging |= dict.fromkeys(urls, event)
        return event

    def client_documents(self, store: Store) -> ClientDocuments:
        """Return what finds clients at these hosts."""
        return ClientDocuments(store, self, Publishers(), RegistrationPolicy())


def anybody(host: str, is_known: bool) -> None:
    """Count nothing."""


ANYBODY = Asker(anybody, lambda _: None)


def counting_who_waits(strangers: Strangers) -> threading.Semaphore:
    """Return what is released by each thread that waits for what another one asks."""
    waits, hold = threading.Semaphore(0), strangers.waiting

    @contextmanager
    def waiting(host: str, *, is_known: bool) -> Iterator[None]:
        with hold(host, is_known=is_known):
            waits.release()
            yield

    strangers.waiting = waiting  # type: ignore[method-assign]
    return waits

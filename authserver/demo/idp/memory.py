"""Who the development identity provider knows, and what it remembers: OpenID Connect Core §3.1.

Everything is in this process and gone with it.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from authserver.demo.idp.authentication_request import Asked

Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in by pressing a button."""

    subject: str
    name: str
    email: str

    def is_hinted(self, asked: Asked) -> bool:
        """Whether the request's login_hint means this person."""
        return asked.login_hint in (self.subject, self.email)


PEOPLE = (
    Person("ada", "Ada Lovelace", "ada@example.com"),
    Person("grace", "Grace Hopper", "grace@example.com"),
    Person("alan", "Alan Turing", "alan@example.com"),
)


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The one client of this provider: the authorization server."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uris: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who signed in, and when (`auth_time`)."""

    person: Person
    auth_time: int


@dataclass(frozen=True, slots=True)
class Proven:
    """What a code, and then an access token, stands for."""

    asked: Asked
    signed_in: SignedIn

    def claims(self) -> dict[str, object]:
        """Return the claims of the granted scopes (Core §5.4)."""
        person, scope = self.signed_in.person, self.asked.scope
        profile = {"name": person.name} if "profile" in scope else {}
        email = {"email": person.email, "email_verified": True} if "email" in scope else {}
        return {**profile, **email}


class Shelf(Generic[Kept]):
    """Things under random keys, each until its lifetime (seconds) is over."""

    def __init__(self, lifetime: int, clock: Callable[[], int]) -> None:
        self.lifetime, self._clock = lifetime, clock
        self._kept: dict[str, tuple[int, Kept]] = {}

    def put(self, thing: Kept) -> str:
        """Keep a thing and return its key."""
        now = self._clock()
        for key, (expires_at, _) in list(self._kept.items()):
            if expires_at <= now:
                self._kept.pop(key, None)
        key = secrets.token_urlsafe(32)
        self._kept[key] = (now + self.lifetime, thing)
        return key

    def take(self, key: str) -> Kept | None:
        """Remove a thing and return it; of two who come at once, one gets it."""
        return self._alive(self._kept.pop(key, None))  # dict.pop is atomic

    def see(self, key: str) -> Kept | None:
        """Return a thing and leave it where it is."""
        return self._alive(self._kept.get(key))

    def _alive(self, kept: tuple[int, Kept] | None) -> Kept | None:
        return kept[1] if kept is not None and self._clock() < kept[0] else None


class Memory:
    """All that the endpoints share."""

    def __init__(
        self, client: RelyingParty, people: Mapping[str, Person], clock: Callable[[], int]
    ) -> None:
        self.client, self.people, self.clock = client, people, clock
        self.tickets: Shelf[Asked] = Shelf(600, clock)
        self.codes: Shelf[Proven] = Shelf(60, clock)
        self.access_tokens: Shelf[Proven] = Shelf(300, clock)
        self.sessions: Shelf[SignedIn] = Shelf(3600, clock)

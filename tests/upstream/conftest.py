"""A hostile provider per test, and our client in front of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from authserver.settings import OidcUpstream
from authserver.upstream.identity import UpstreamIdentity
from authserver.upstream.oidc import OidcUpstreamClient
from tests.upstream.hostile_idp import CLIENT_ID, CLIENT_SECRET, NOW, HostileIdp

REDIRECT_URI = "http://127.0.0.1:9/callback"
STATE = "canary-state-0123456789"
NONCE = "canary-nonce-0123456789"
VERIFIER = "canary-verifier-0123456789-0123456789-0123456789"


@dataclass
class Clock:
    """Monotonic seconds that pass when a test says so."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Login:
    """One client of one provider, and how a user signs in through both."""

    idp: HostileIdp
    client: OidcUpstreamClient
    clock: Clock
    changes: dict[str, Any] = field(default_factory=dict)

    def url(self, **optional: Any) -> str:
        return self.client.authorization_url(
            state=STATE, nonce=NONCE, code_verifier=VERIFIER, **optional
        )

    def redeem(self, callback: dict[str, str], **changes: Any) -> UpstreamIdentity:
        arguments = {
            "code": callback["code"],
            "code_verifier": VERIFIER,
            "nonce": NONCE,
            "iss": callback.get("iss"),
            "now": NOW,
        }
        return self.client.exchange(**{**arguments, **changes})

    def sign_in(self, **changes: Any) -> UpstreamIdentity:
        return self.redeem(self.idp.sign_in(self.url()), **changes)


def settings(idp: HostileIdp, **changes: Any) -> OidcUpstream:
    values: dict[str, Any] = {
        "issuer": idp.issuer,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        **changes,
    }
    return OidcUpstream(**values)


@pytest.fixture
def idp() -> Iterator[HostileIdp]:
    with HostileIdp() as provider:
        yield provider


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_login(idp: HostileIdp, clock: Clock) -> Iterator[Any]:
    clients: list[OidcUpstreamClient] = []

    def make(**changes: Any) -> Login:
        client = OidcUpstreamClient(settings(idp, **changes), REDIRECT_URI, clock)
        clients.append(client)
        return Login(idp, client, clock)

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def login(make_login: Any) -> Login:
    made: Login = make_login()
    return made

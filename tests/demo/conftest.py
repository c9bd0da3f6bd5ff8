"""The development identity provider on a loopback port, with a clock the tests turn."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from authserver.demo.idp import RelyingParty, create_idp
from authserver.demo.loopback import listen, url, wsgi_server

CALLBACK = "http://127.0.0.1:9100/callback"


@dataclass
class Clock:
    now: int = 1_750_000_000

    def __call__(self) -> int:
        return self.now


@dataclass(frozen=True)
class Idp:
    issuer: str
    client: RelyingParty
    clock: Clock = field(default_factory=Clock)


@pytest.fixture(scope="module")
def idp() -> Iterator[Idp]:
    with listen(0) as listening:
        client = RelyingParty("authserver", f"%+:{secrets.token_urlsafe(16)}", (CALLBACK,))
        served = Idp(url(listening), client)
        with wsgi_server(create_idp(served.issuer, client, clock=served.clock), listening):
            yield served

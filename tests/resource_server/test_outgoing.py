"""What a gateway passes on has the target's token, and never the one that came in"""

import asyncio
import io
import json
from typing import Any

import httpx2
import pytest

from authserver.resource_server.connection import Connection
from authserver.resource_server.exchange import TokenExchanger
from authserver.resource_server.exchanged import ExchangeFailed
from authserver.resource_server.httpx2_auth import ExchangeAuth
from authserver.resource_server.outgoing import Outgoing, exchange_asgi, exchange_wsgi
from tests.resource_server.test_exchange import TOKEN, Fake
from tests.upstream.spoiled_server import Spoiled, SpoiledServer

INCOMING = "canary-incoming"
BEARER = f"Bearer {INCOMING}"


@pytest.fixture
def fake():
    found = Fake()
    found.server.start()
    yield found
    found.server.stop()


@pytest.fixture
def exchanger(fake):
    connection = Connection(timeout=20)
    return TokenExchanger(
        issuer=fake.issuer, client_id="issues", client_secret="s", connection=connection
    )


def wsgi(outgoing, **environ):
    seen: dict[str, Any] = {}
    answered: dict[str, Any] = {}

    def gateway(environ, start_response):
        seen.update(environ)
        start_response("200 OK", [])
        return [b"passed on"]

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        answered["status"], answered["headers"] = int(status[:3]), dict(headers)

    body = exchange_wsgi(gateway, outgoing)(
        {"REQUEST_METHOD": "POST", "wsgi.input": io.BytesIO(), **environ}, start_response
    )
    return seen, answered, b"".join(body)


def asgi(outgoing, *headers):
    seen: dict[str, Any] = {}
    sent: list[Any] = []

    async def receive():
        raise AssertionError("nothing is read")

    async def gateway(scope, receive, send):
        seen.update(scope)

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "headers": list(headers)}

    async def run():
        await exchange_asgi(gateway, outgoing)(scope, receive, send)

    asyncio.run(run())
    return seen, sent


@pytest.mark.parametrize(
    ("header", "key", "value"),
    [
        ("Authorization", "HTTP_AUTHORIZATION", "Bearer canary-exchanged"),
        ("authorization", "HTTP_AUTHORIZATION", "Bearer canary-exchanged"),
        ("X-Wiki-Token", "HTTP_X_WIKI_TOKEN", "Bearer canary-exchanged"),
    ],
)
def test_a_wsgi_gateway_gets_the_targets_token_alone(exchanger, header, key, value):
    outgoing = Outgoing(exchanger, "wiki", header=header)
    given = {"HTTP_AUTHORIZATION": BEARER, "HTTP_X_WIKI_TOKEN": "forged"}
    seen, _, body = wsgi(outgoing, **given)
    assert (seen[key], body) == (value, b"passed on")
    assert INCOMING not in str(seen)


@pytest.mark.parametrize(
    ("header", "name", "value"),
    [
        ("Authorization", b"authorization", b"Bearer canary-exchanged"),
        ("X-Wiki-Token", b"x-wiki-token", b"Bearer canary-exchanged"),
    ],
)
def test_an_asgi_gateway_gets_the_targets_token_alone(exchanger, header, name, value):
    outgoing = Outgoing(exchanger, "wiki", header=header)
    seen, _ = asgi(
        outgoing, (b"Authorization", BEARER.encode()), (b"accept", b"*/*"),
        (b"X-Wiki-Token", b"forged"),
    )  # fmt: skip
    kept = [(b"x-wiki-token", b"forged")] if header == "Authorization" else []
    assert seen["headers"] == [(b"accept", b"*/*"), *kept, (name, value)]


FAILURES = [
    (Spoiled(400, b'{"error": "invalid_target"}'), 502, "invalid_target"),
    (Spoiled(503, b'{"error": "temporarily_unavailable"}', {"Retry-After": "7"}), 503, None),
    (Spoiled(500, b"<html>"), 503, None),
]


@pytest.mark.parametrize(("answer", "status", "error"), FAILURES, ids=str)
def test_without_a_token_the_request_ends_here(fake, exchanger, answer, status, error):
    fake.answers["wiki"] = answer
    seen, answered, body = wsgi(Outgoing(exchanger, "wiki"), HTTP_AUTHORIZATION=BEARER)
    assert (seen, answered["status"]) == ({}, status)
    assert json.loads(body)["error"] == (error or "temporarily_unavailable")
    assert INCOMING.encode() not in body
    seen, sent = asgi(Outgoing(exchanger, "wiki"), (b"authorization", BEARER.encode()))
    assert (seen, sent[0]["status"]) == ({}, status)


@pytest.mark.parametrize("authorization", [None, "", "Basic x", INCOMING, f"{BEARER}, {BEARER}"])
def test_a_request_without_one_bearer_token_ends_here(fake, exchanger, authorization):
    given = {} if authorization is None else {"HTTP_AUTHORIZATION": authorization}
    seen, answered, _ = wsgi(Outgoing(exchanger, "wiki"), **given)
    assert (seen, answered["status"]) == ({}, 502)
    assert fake.asked() == []


@pytest.mark.parametrize("header", ["", "X Token", "X:Token", "Töken"])
def test_a_header_has_a_name(exchanger, header):
    with pytest.raises(ValueError, match="name of a header"):
        Outgoing(exchanger, "wiki", header=header)


class Target:
    """An MCP server that takes only some tokens."""

    def __init__(self):
        self.refuses = set()
        self.server = SpoiledServer(self._answer)

    def _answer(self, seen):
        taken = seen.headers.get("authorization", "").removeprefix("Bearer ") not in self.refuses
        return Spoiled(200 if taken else 401)


@pytest.fixture
def target():
    found = Target()
    found.server.start()
    yield found
    found.server.stop()


def get(outgoing, url, kind):
    auth = ExchangeAuth(outgoing, INCOMING)
    if kind == "blocking":
        with httpx2.Client(auth=auth, trust_env=False) as client:
            return client.get(url).status_code

    async def ask():
        async with httpx2.AsyncClient(auth=auth, trust_env=False) as client:
            return (await client.get(url)).status_code

    return asyncio.run(ask())


@pytest.mark.parametrize("kind", ["blocking", "asynchronous"])
def test_a_client_sends_the_targets_token(exchanger, target, kind):
    assert get(Outgoing(exchanger, "wiki"), target.server.origin, kind) == 200
    assert get(Outgoing(exchanger, "wiki", header="X-Token"), target.server.origin, kind) == 200
    first, second = target.server.seen
    assert first.headers["authorization"] == "Bearer canary-exchanged"
    assert second.headers["x-token"] == "Bearer canary-exchanged"
    assert "authorization" not in second.headers
    assert INCOMING not in str(target.server.seen)


@pytest.mark.parametrize("kind", ["blocking", "asynchronous"])
def test_a_token_that_was_revoked_is_replaced_once(fake, exchanger, target, kind):
    assert get(Outgoing(exchanger, "wiki"), target.server.origin, kind) == 200
    target.refuses.add("canary-exchanged")
    fake.answers["wiki"] = {**TOKEN, "access_token": "another"}
    assert get(Outgoing(exchanger, "wiki"), target.server.origin, kind) == 200
    target.refuses.add("another")
    assert get(Outgoing(exchanger, "wiki"), target.server.origin, kind) == 401
    assert len(target.server.seen) == 1 + 2 + 2


@pytest.mark.parametrize("kind", ["blocking", "asynchronous"])
def test_a_client_without_a_token_sends_nothing(fake, exchanger, target, kind):
    fake.answers["wiki"] = Spoiled(400, b'{"error": "invalid_target"}')
    with pytest.raises(ExchangeFailed):
        get(Outgoing(exchanger, "wiki"), target.server.origin, kind)
    assert target.server.seen == []

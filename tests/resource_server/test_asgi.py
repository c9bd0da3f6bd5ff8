import asyncio
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from authserver.resource_server import protect_asgi
from tests.resource_server.asgi_server import serving
from tests.resource_server.requests_table import (
    CASES,
    METADATA,
    PATH_SCOPES,
    PUBLIC,
    TOKEN,
    Case,
    send,
)


class Application:
    """Says who is there, and remembers what it was called for."""

    def __init__(self):
        self.calls = []

    async def __call__(self, scope, receive, send):
        self.calls.append(scope["type"])
        if scope["type"] == "lifespan":
            for done in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{done}.complete"})
            return
        token = scope.get("authserver.access_token")
        headers = [(b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        body = (token.subject if token else "nobody").encode()
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def served(issuer):
    app = Application()
    protected = protect_asgi(app, issuer.guard(), public=PUBLIC, path_scopes=PATH_SCOPES)
    with socket.create_server(("127.0.0.1", 0)) as sock, serving(protected, sock):
        yield sock.getsockname()[1]
    assert app.calls[0] == "lifespan"


def test_an_asgi_application_is_behind_the_gate(issuer, served):
    for case in CASES:
        response, body = send(served, case, issuer.token())
        assert response.status == case.status, case.name
        if case.status == 200:
            expected = b"user-1" if case.headers and case.method == "GET" else b"nobody"
            assert body == expected, case.name
        else:
            assert response.getheader("WWW-Authenticate").startswith("Bearer "), case.name


def test_the_metadata_is_served_as_it_was_made(issuer, served):
    response, body = send(served, Case("", 200, path=METADATA))
    assert (response.status, body) == (200, issuer.guard().metadata.body)
    response, body = send(served, Case("", 200, "HEAD", METADATA))
    assert (response.status, body) == (200, b"")


def test_while_one_request_waits_for_keys_the_others_go_on(issuer, served):
    def status(case):
        return send(served, case, issuer.token())[0].status

    issuer.gate.clear()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(status, Case("", 200, headers=TOKEN))
        while not issuer.hits:
            time.sleep(0.01)
        assert status(Case("", 200, path="/healthz")) == 200
        assert not waiting.done()
        issuer.gate.set()
        assert waiting.result(10) == 200


def call(app, scope):
    sent = []

    async def send_message(message):
        sent.append(message)

    async def receive():
        return {"type": "websocket.connect"}

    asyncio.run(app(scope, receive, send_message))
    return sent


def websocket(*headers, **members):
    return {"type": "websocket", "path": "/mcp", "headers": list(headers)} | members


def test_a_websocket_needs_a_token_too(issuer):
    inner = Application()
    app = protect_asgi(inner, issuer.guard())
    assert call(app, websocket()) == [{"type": "websocket.close", "code": 1008}]
    extended = call(app, websocket(extensions={"websocket.http.response": {}}))
    assert extended[0]["type"] == "websocket.http.response.start"
    assert extended[0]["status"] == 401
    assert inner.calls == []
    call(app, websocket((b"Authorization", f"Bearer {issuer.token()}".encode())))
    assert inner.calls == ["websocket"]


def test_what_is_no_request_is_not_passed_on(issuer):
    inner = Application()
    with pytest.raises(ValueError, match="only HTTP"):
        call(protect_asgi(inner, issuer.guard()), {"type": "quic"})
    assert inner.calls == []


def test_a_token_that_was_put_there_before_does_not_count(issuer):
    app = protect_asgi(Application(), issuer.guard(), public=["/"])
    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    assert call(app, scope | {"authserver.access_token": object()})[1]["body"] == b"nobody"

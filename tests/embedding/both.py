"""One host, once as a WSGI and once as an ASGI application, and the server embedded in it"""

import asyncio
import io
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from authserver.embedding import embed_asgi, embed_wsgi
from authserver.settings import load
from tests.actors import ISSUER, write_config

KINDS = ("wsgi", "asgi")
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
JSON = (("Content-Type", "application/json"),)


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Host:
    """Answers what is in `answers`, by path or by (method, path); else 404. Keeps what it saw."""

    answers: dict[Any, Any] = field(default_factory=dict)
    otherwise: tuple[int, dict[str, str], bytes] = (404, {}, b"the host has no such page")
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)
    scopes: list[Any] = field(default_factory=list)

    def answer(self, method, path, body):
        self.asked.append((method, path, body))
        found = self.answers.get((method, path), self.answers.get(path, self.otherwise))
        return found if isinstance(found, tuple) else (found, {}, b"the host")

    def wsgi(self, environ, start_response):
        path = environ.get("SCRIPT_NAME", "") + environ["PATH_INFO"]
        body = environ["wsgi.input"].read()
        status, headers, body = self.answer(environ["REQUEST_METHOD"], path, body)
        environ.clear()  # a host may do what it likes with it
        start_response(f"{status} {HTTPStatus(status).phrase}", list(headers.items()))
        return [body]

    async def asgi(self, scope, receive, send):
        self.scopes.append(scope)
        if scope["type"] != "http":
            await send({"type": f"{scope['type']}.seen"})
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        status, headers, content = self.answer(scope["method"], scope["path"], body)
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        scope.clear()
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": content[:3], "more_body": True})
        await send({"type": "http.response.body", "body": content[3:]})


class Embedded:
    """The server inside a host, asked without a network."""

    def __init__(self, kind, host, settings, **options):
        self.kind = kind
        self.host = host
        embed = {"wsgi": embed_wsgi, "asgi": embed_asgi}[kind]
        inner = getattr(host, kind) if isinstance(host, Host) else host
        self.app = embed(inner, settings, **{"upkeep": False, **options})

    def ask(self, method, path, body=b"", headers=(), prefix="", *, chunked=False):
        send = {"wsgi": ask_wsgi, "asgi": ask_asgi}[self.kind]
        return send(self.app, method, path, body, headers, prefix, chunked=chunked)

    def asks_host(self, method, path, **kwargs):
        """Say whether the host is asked, and whether it is the one who answers."""
        before = len(self.host.asked)
        reply = self.ask(method, path, **kwargs)
        return len(self.host.asked) > before, reply.body.startswith(b"the host")


def settings_for(folder, database, issuer=ISSUER, more=""):
    return load(write_config(folder, database, "http://127.0.0.1:9/idp", issuer, more))


def ask_wsgi(app, method, path, body=b"", headers=(), prefix="", *, chunked=False):
    """Ask a WSGI application as a server does."""
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": prefix,
        "PATH_INFO": path.partition("?")[0],
        "QUERY_STRING": path.partition("?")[2],
        "SERVER_NAME": "auth.example",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.1",
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
    }
    for name, value in headers:
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    if chunked:
        environ |= {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    elif body:
        environ["CONTENT_LENGTH"] = str(len(body))
    started = []
    answer = app(environ, lambda *start: started.append(start[:2]))
    content = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    ((status, sent),) = started
    return Reply(int(status[:3]), {name.lower(): value for name, value in sent}, content)


def ask_asgi(app, method, path, body=b"", headers=(), prefix="", *, chunked=False):
    """Ask an ASGI application as a server does, the body in pieces."""
    named = [(name.lower().encode(), value.encode()) for name, value in headers]
    if chunked:
        named.append((b"transfer-encoding", b"chunked"))
    elif body:
        named.append((b"content-length", str(len(body)).encode()))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": prefix + path.partition("?")[0],
        "root_path": prefix,
        "query_string": path.partition("?")[2].encode("latin-1"),
        "headers": named,
        "client": ("192.0.2.1", 4711),
        "server": ("auth.example", 443),
    }
    half = len(body) // 2
    pieces = [
        {"type": "http.request", "body": body[:half], "more_body": True},
        {"type": "http.request", "body": body[half:], "more_body": False},
    ]
    sent = run_asgi(app, scope, pieces)
    start = next(each for each in sent if each["type"] == "http.response.start")
    content = b"".join(each.get("body", b"") for each in sent)
    raw = {name.decode(): value.decode() for name, value in start["headers"]}
    return Reply(start["status"], raw, content)


def run_asgi(app, scope, messages):
    """Run one connection to its end; return what was sent."""
    sent = []

    async def run():
        waiting = iter(messages)

        async def receive():
            return next(waiting, {"type": "http.disconnect"})

        async def send(message):
            sent.append(message)

        await app(scope, receive, send)

    asyncio.run(run())
    return sent

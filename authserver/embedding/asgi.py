"""The authorization server inside an ASGI application. ASGI 3.0"""

import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from authserver.app import Clock
from authserver.audit import Audit
from authserver.embedding.ownership import LONGEST_BODY, Ownership, is_disowned
from authserver.settings import Settings
from authserver.web import answers_at, create_app

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# Each waits for nothing but the database and the upstream: bodies are read before.
_WORKERS = 10


def embed_asgi(
    host: Application,
    settings: Settings,
    *,
    clock: Clock = lambda: int(time.time()),
    audit: Audit | None = None,
    upkeep: bool = True,
) -> Application:
    """Return the host with the authorization server in it; options and errors are `create_app`'s.

    The host's answer wins where both have one, except below the issuer's path. Its lifespan and
    its WebSockets are its own. Raises ImportError where the extra `asgi` is not installed.
    """
    try:
        from a2wsgi import WSGIMiddleware  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ImportError("embed_asgi needs a2wsgi: pip install 'authserver[asgi]'") from error
    app = create_app(settings, clock=clock, audit=audit, upkeep=upkeep)
    at_its_path: Any = _at_its_path(app)  # the same types under other names
    # Threads of our own: the kit waits in the loop's for the keys that are served in these.
    ours: Any = WSGIMiddleware(at_its_path, workers=_WORKERS)
    return _Embedded(host, ours, Ownership.of(partial(answers_at, app), settings.issuer))


@dataclass(frozen=True, slots=True)
class _Embedded:
    host: Application
    ours: Application
    ownership: Ownership

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        owner = self.ownership.owner(_full_path(scope)) if scope["type"] == "http" else "host"
        if owner == "host":
            await self.host(scope, receive, send)
            return
        body = _Body(receive)
        if owner == "either":
            await body.read()
            held_back = _HeldBack(send, can_fall_through=body.is_short)
            await self.host(dict(scope), body.replay(), held_back)
            if not held_back.is_disowned:
                return
        elif _declared_length(scope) <= LONGEST_BODY:
            await body.read()
        if not body.is_disconnected:
            content = body.content()
            wanted = {"type": "http.request", "body": content, "more_body": False}
            await self.ours(_plain(scope, len(content)), _replay([wanted], receive), send)


@dataclass(slots=True)
class _Body:
    """The body of a request, read as far as a request of ours may go."""

    receive: Receive
    messages: list[Message] = field(default_factory=list)

    @property
    def is_short(self) -> bool:
        """Say whether it was read to its end, and may be a request of ours."""
        return len(self.content()) <= LONGEST_BODY

    @property
    def is_disconnected(self) -> bool:
        """Say whether the client went away before it was read."""
        return any(each["type"] == "http.disconnect" for each in self.messages)

    async def read(self) -> None:
        """Read to the end, but not far beyond what a request of ours may have."""
        length, is_complete = 0, False
        while length <= LONGEST_BODY and not is_complete:
            message = await self.receive()
            self.messages.append(message)
            length += len(message.get("body", b""))
            is_complete = not message.get("more_body", False)

    def content(self) -> bytes:
        """Return what was read."""
        return b"".join(each.get("body", b"") for each in self.messages)

    def replay(self) -> Receive:
        """Return a `receive` that begins at the beginning."""
        return _replay(self.messages, self.receive)


def _replay(messages: Iterable[Message], receive: Receive) -> Receive:
    waiting = iter(tuple(messages))

    async def again() -> Message:
        for message in waiting:
            return message
        return await receive()

    return again


@dataclass(slots=True)
class _HeldBack:
    """The host's `send`: an answer that shows that the host has nothing goes nowhere."""

    send: Send
    can_fall_through: bool
    is_disowned: bool = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and self.can_fall_through:
            headers = [
                (bytes(name).decode("latin-1"), bytes(value).decode("latin-1"))
                for name, value in message.get("headers", ())
            ]
            self.is_disowned = is_disowned(message["status"], headers)
        if not self.is_disowned:
            await self.send(message)


def _full_path(scope: Scope) -> str:
    path, root = str(scope["path"]), str(scope.get("root_path", "")).rstrip("/")
    # Some servers leave the prefix out of the path.
    return path if path == root or path.startswith(f"{root}/") else root + path


def _declared_length(scope: Scope) -> int:
    declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(declared) if declared.isdigit() else 0


def _plain(scope: Scope, read: int) -> Scope:
    """Return the scope in the one form that WSGI can say without a doubt."""
    length = max(read, _declared_length(scope))
    joined = (b"cookie", b"content-length", b"transfer-encoding")
    # X_Forwarded_For would pass for X-Forwarded-For.
    headers = [(n, v) for n, v in scope["headers"] if b"_" not in n and n not in joined]
    if cookies := [value for name, value in scope["headers"] if name == b"cookie"]:
        headers.append((b"cookie", b"; ".join(cookies)))
    if length:
        headers.append((b"content-length", str(length).encode()))
    query = "".join(chr(b) if b < 128 else f"%{b:02X}" for b in scope.get("query_string", b""))
    return {
        **scope,
        "path": _full_path(scope),
        "root_path": "",
        "headers": headers,
        "query_string": query.encode(),
    }


def _at_its_path(app: WSGIApplication) -> WSGIApplication:
    """Take the variable SCRIPT_NAME away, which a2wsgi believes more than the request."""

    def respond(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return app({**environ, "SCRIPT_NAME": ""}, start_response)

    return respond

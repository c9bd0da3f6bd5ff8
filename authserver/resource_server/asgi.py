"""Protects an ASGI application (Starlette, FastAPI, the MCP SDK). ASGI 3.0, RFC 6750 §3"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextvars import ContextVar
from typing import Any

from authserver.resource_server.challenge import Answer
from authserver.resource_server.gate import ENVIRONMENT_KEY, Gate, PathScopes
from authserver.resource_server.guard import ResourceServer
from authserver.resource_server.verifier import AccessToken

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


# What the gate let in, for what looks at the token again inside.
ADMITTED: ContextVar[AccessToken | None] = ContextVar("authserver_admitted", default=None)


class ProtectedApplication:
    """An ASGI application behind a gate."""

    def __init__(self, app: Application, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; raises ValueError for one that is neither HTTP nor WebSocket."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] not in ("http", "websocket"):
            raise ValueError("only HTTP, WebSocket and lifespan can be protected")
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in _raw(scope)]
        method = scope.get("method", "GET")
        # In a thread: checking a signature takes a while, fetching the issuer's keys even longer.
        result = await asyncio.to_thread(self._gate.answer_or_judge, method, scope["path"], headers)
        if isinstance(result, Answer):
            await send_answer(scope, send, result)
            return
        admitted = {key: value for key, value in scope.items() if key != ENVIRONMENT_KEY}
        if result is None:
            await self._app(admitted, receive, send)
            return
        admitted[ENVIRONMENT_KEY] = result
        if result.jkt is not None:
            admitted["headers"] = list(_as_bearer(scope, result.token))
        before = ADMITTED.set(result)
        try:
            await self._app(admitted, receive, send)
        finally:
            ADMITTED.reset(before)


def protect_asgi(
    app: Application,
    guard: ResourceServer,
    *,
    public: Iterable[str] = (),
    path_scopes: PathScopes | None = None,
) -> ProtectedApplication:
    """Return the application behind a gate; it finds `scope["authserver.access_token"]`.

    `public` are paths that need no token, `path_scopes` the scopes that a path and all below it
    need besides the guard's `required_scopes`. A token that came with a proof reaches it as a
    bearer token: the proof was judged here.
    """
    return ProtectedApplication(app, Gate.of(guard, public, path_scopes or {}))


def _as_bearer(scope: Scope, token: str) -> Iterable[tuple[bytes, bytes]]:
    """Return the headers for an application that knows bearer tokens only: the proof was judged."""
    for name, value in _raw(scope):
        if name not in (b"authorization", b"dpop"):
            yield name, value
    yield b"authorization", f"Bearer {token}".encode()


def _raw(scope: Scope) -> Iterable[tuple[bytes, bytes]]:
    return ((name.lower(), value) for name, value in scope["headers"])


async def send_answer(scope: Scope, send: Send, answer: Answer) -> None:
    """Send an answer in place of the application."""
    prefix = "http.response"
    if scope["type"] == "websocket":
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008})
            return
        prefix = "websocket.http.response"
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers]
    await send({"type": f"{prefix}.start", "status": answer.status, "headers": headers})
    await send({"type": f"{prefix}.body", "body": answer.body})

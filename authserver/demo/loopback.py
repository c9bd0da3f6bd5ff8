"""Loopback sockets and the servers on them: RFC 8252 §7.3 (why 127.0.0.1 and not `localhost`).

Every server of the demo is handed a socket that already listens. So the port that was found free
is the port that is used, and a client that comes early waits in the backlog.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator
from ipaddress import ip_address

import uvicorn
from flask import Flask
from starlette.types import ASGIApp
from werkzeug.serving import WSGIRequestHandler, make_server

HOST = "127.0.0.1"
_STRIDE = 10  # 9100 busy -> 9110: the server on 9101 keeps its usual port
_ATTEMPTS = 50
_ENDS_WITHIN = 5.0


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only mean this machine."""
    with contextlib.suppress(ValueError):
        return ip_address(host.strip("[]")).is_loopback
    return host == "localhost"


def listen(preferred: int) -> socket.socket:
    """Return a listening loopback socket on the preferred port, or on the next one that is free.

    Raises OSError when none of 50 ports is free.
    """
    last = preferred + _STRIDE * (_ATTEMPTS - 1)
    for port in range(preferred, min(last, 65_535) + 1, _STRIDE):
        taken = _listen_on(port)
        if taken is not None:
            return taken
    raise OSError(f"No free port on {HOST} between {preferred} and {last}.")


def url(listening: socket.socket) -> str:
    """Return the origin that a listening socket answers for, without a trailing slash."""
    return f"http://{HOST}:{listening.getsockname()[1]}"


def _listen_on(port: int) -> socket.socket | None:
    if _somebody_answers(port):
        return None
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, port))
        listening.listen(128)
    except OSError:
        listening.close()
        return None
    return listening


def _somebody_answers(port: int) -> bool:
    # SO_REUSEADDR lets a restart take its port back at once, but on macOS also lets us bind
    # over a server that listens on all addresses; so ask first.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as asking:
        asking.settimeout(0.5)
        return port != 0 and asking.connect_ex((HOST, port)) == 0


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: the walk-through tells what happens."""


@contextlib.contextmanager
def wsgi_server(app: Flask, listening: socket.socket) -> Iterator[None]:
    """Serve a WSGI app in a thread until the block ends; refuses a socket off loopback."""
    host, port = listening.getsockname()[:2]
    if not is_loopback(host):
        raise ValueError("This app is for development and answers on loopback only.")
    server = make_server(
        host, port, app, threaded=True, request_handler=_Quiet, fd=listening.fileno()
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(_ENDS_WITHIN)


@contextlib.contextmanager
def asgi_server(app: ASGIApp, listening: socket.socket) -> Iterator[None]:
    """Serve an ASGI app with uvicorn in a thread until the block ends."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(_ENDS_WITHIN)

"""An HTTP server on 127.0.0.1 that sends exactly what it is told, as slowly as it is told."""

import ssl
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Spoiled:
    """An answer in place of the honest one; `pause` seconds before it, `drip` between its bytes.

    A header that is None is left out; `Connection: close` closes as well.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str | None] = field(default_factory=dict)
    pause: float = 0.0
    drip: float = 0.0


@dataclass(frozen=True)
class Seen:
    """A request as it came; `connection` tells which ones shared a connection."""

    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    connection: tuple[str, int]


class SpoiledServer:
    """Serves `answer(seen)` until stopped."""

    def __init__(self, answer: Callable[[Seen], Spoiled]) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.answer = answer
        self.seen: list[Seen] = []
        self._server.seen = self.seen
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"

    def wrap(self, context: ssl.SSLContext) -> None:
        """Speak TLS; before the start."""
        self.origin = self.origin.replace("http:", "https:")
        # Not on accept, which would let one client hold up all others.
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    answer: Callable[[Seen], Spoiled]
    seen: list[Seen]

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(
            sys.exception(), ConnectionError | ssl.SSLError
        ):  # the client gave up, as it should
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        self._answer(path, query)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._answer(self.path, body.decode())

    def _answer(self, path: str, encoded: str) -> None:
        params = dict(parse_qsl(encoded, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = Seen(self.command, path, params, headers, self.client_address)
        self.server.seen.append(seen)
        try:
            self._send(self.server.answer(seen))
        except OSError:
            self.close_connection = True  # the client gave up, as it should

    def _send(self, answer: Spoiled) -> None:
        time.sleep(answer.pause)
        headers = {"Content-Length": str(len(answer.body)), **answer.headers}
        lines = [f"HTTP/1.1 {answer.status} X"]
        lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
        self.close_connection = headers.get("Connection") == "close"
        data = "\r\n".join(lines).encode() + b"\r\n\r\n" + answer.body
        if not answer.drip:
            self.wfile.write(data)
            return
        for position in range(len(data)):
            self.wfile.write(data[position : position + 1])
            time.sleep(answer.drip)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its name there)
        pass

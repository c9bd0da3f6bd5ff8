"""Waits on this machine for the browser to come back: RFC 8252 §7.3"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from authserver.oauth import command_line

_PATH = urlsplit(command_line.REDIRECT_URI).path
_PAGE = b"<!doctype html><title>authserver</title><p>Done: go back to your terminal.\n"


class Listener:
    """One answer for one `state`: whatever else comes is turned away."""

    def __init__(self, state: str) -> None:
        self._state = state
        self._arrived = threading.Event()
        self._answer: Mapping[str, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def redirect_uri(self) -> str:
        """Return where it listens."""
        return command_line.REDIRECT_URI.replace(
            "127.0.0.1", f"127.0.0.1:{self._server.server_port}"
        )

    def wait(self, seconds: float) -> Mapping[str, str] | None:
        """Return the parameters that the browser brought, None where it did not come."""
        return self._answer if self._arrived.wait(seconds) else None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def _take(self, target: str) -> bool:
        """Take the answer of a request line, once."""
        parts = urlsplit(target)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        answer = dict(pairs)
        is_ours = parts.path == _PATH and answer.get("state") == self._state
        if not is_ours or len(answer) != len(pairs) or self._arrived.is_set():
            return False
        self._answer = answer
        self._arrived.set()
        return True

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self._take

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, page = (200, _PAGE) if take(self.path) else (404, b"")
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(page)))
                self.send_header("Cache-Control", "no-store")
                self.send_header("Referrer-Policy", "no-referrer")
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - their name
                """Say nothing: the request line has the code."""

        return Handler

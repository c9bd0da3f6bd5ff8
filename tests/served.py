"""A WSGI application on a real socket of 127.0.0.1, for tests that need HTTP"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from wsgiref.types import WSGIApplication

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - their name
        """Say nothing."""


class Late:
    """An application that is given once its address is known."""

    def __init__(self) -> None:
        self.app: WSGIApplication | None = None

    def __call__(self, environ, start_response):
        assert self.app is not None
        return self.app(environ, start_response)


@contextmanager
def served(app: WSGIApplication) -> Iterator[str]:
    """Serve an application with threads; gives its origin."""
    server: BaseWSGIServer = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

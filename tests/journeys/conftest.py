"""Whole stories over real HTTP: a server on a socket, and MCP servers behind the kit"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from authserver.resource_server import ResourceServer, Verifier, protect_wsgi
from tests.live import Remote, deployed
from tests.served import served

ALGORITHMS = ("ES256", "RS256", "EdDSA")


@pytest.fixture
def live(sqlite_url, idp, tmp_path):
    """A server whose issuer is its real address."""
    with deployed(tmp_path, sqlite_url, idp) as deployment:
        yield deployment


@pytest.fixture
def remote(live):
    """The same server as others see it."""
    return Remote(live.issuer, live.idp)


def _hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["authserver.access_token"].subject.encode()]


class McpServer:
    """An MCP server behind our kit, at an address of its own; `resource` is what it is called."""

    def __init__(self, issuer, resource, clock, required_scopes):
        verifier = Verifier(issuer, resource, algorithms=ALGORITHMS, clock=clock)
        self.guard = ResourceServer(
            issuer=issuer, resource=resource, verifier=verifier, required_scopes=required_scopes
        )
        self.app = protect_wsgi(_hello, self.guard)
        self.origin = ""

    def call(self, access_token: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {access_token}"}
        return requests.post(f"{self.origin}/mcp", headers=headers, timeout=10)


@pytest.fixture
def mcp_server():
    """Start MCP servers; each is a context."""

    @contextmanager
    def start(issuer, resource, clock, required_scopes=()) -> Iterator[McpServer]:
        server = McpServer(issuer, resource, clock, required_scopes)
        with served(server.app) as server.origin:
            yield server

    return start

"""One process, one origin: the official MCP client walks from a 401 to a refreshed token"""

from concurrent.futures import ThreadPoolExecutor

import flask
import pytest

pytest.importorskip("mcp", reason="the official MCP SDK is not installed")

import httpx2

from authserver.demo.loopback import asgi_server, wsgi_server
from authserver.demo.mcp_server import SCOPES, create_mcp_server
from authserver.embedding import embed_asgi, embed_wsgi
from authserver.resource_server import ResourceServer, protect_asgi, protect_wsgi
from authserver.settings import load
from tests.embedding.json_rpc import answer
from tests.embedding.origins import origin

ISSUER_PATHS = ["/auth", "", "/mcp"]  # the last one is also the path of the resource


@pytest.fixture(params=ISSUER_PATHS, ids=lambda path: f"issuer at {path or 'the root'}")
def here(request, tmp_path):
    with origin(tmp_path, request.param) as found:
        yield found


def test_an_sdk_server_and_its_authorization_server_are_one_asgi_application(here):
    host = create_mcp_server(here.place.issuer, here.place.mcp_url)  # behind the kit's closed gate
    with asgi_server(embed_asgi(host, load(here.place.config)), here.sock):
        assert f"token_endpoint: {here.place.issuer}/token" in here.walk()
        here.check_documents()


def test_a_flask_application_with_an_mcp_server_is_its_authorization_server_too(here):
    place, host = here.place, flask.Flask("host")
    host.add_url_rule("/mcp", "mcp", answer, methods=["GET", "POST", "DELETE"])
    guard = ResourceServer(issuer=place.issuer, resource=place.mcp_url, scopes=SCOPES)
    app = embed_wsgi(protect_wsgi(host.wsgi_app, guard), load(place.config))
    host.wsgi_app = app  # type: ignore[method-assign,assignment]
    with wsgi_server(host, here.sock):
        assert f"token_endpoint: {place.issuer}/token" in here.walk()
        here.check_documents()


def test_many_first_requests_do_not_wait_for_the_keys_that_this_process_serves(tmp_path):
    async def host(scope, receive, send):
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with origin(tmp_path) as here:
        place = here.place
        guard = ResourceServer(issuer=place.issuer, resource=place.mcp_url, scopes=SCOPES)
        inner = Late(create_mcp_server(place.issuer, place.mcp_url))
        with asgi_server(embed_asgi(inner, load(place.config)), here.sock):
            headers = {"Authorization": f"Bearer {here.access_token()}"}
            inner.app = protect_asgi(host, guard)  # which has no keys yet

            def call(_):
                return httpx2.get(place.mcp_url, headers=headers, trust_env=False).status_code

            with ThreadPoolExecutor(40) as threads:
                assert set(threads.map(call, range(40))) == {204}


class Late:
    """An ASGI application that passes on its first one's lifespan, and all else to `app`."""

    def __init__(self, app):
        self.first = self.app = app

    async def __call__(self, scope, receive, send):
        app = self.first if scope["type"] == "lifespan" else self.app
        await app(scope, receive, send)

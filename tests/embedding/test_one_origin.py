"""One process, one origin: the official MCP client walks from a 401 to a refreshed token"""

import flask
import pytest

pytest.importorskip("mcp", reason="the official MCP SDK is not installed")

from authserver.demo.loopback import asgi_server, wsgi_server
from authserver.demo.mcp_server import SCOPES, create_mcp_server
from authserver.embedding import embed_asgi, embed_wsgi
from authserver.resource_server import ResourceServer, protect_wsgi
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

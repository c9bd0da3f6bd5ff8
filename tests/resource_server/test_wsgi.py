import json
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.validate import validator

import pytest

from authserver.oauth import dpop
from authserver.resource_server import protect_wsgi
from tests.resource_server.requests_table import (
    CASES,
    METADATA,
    PATH_SCOPES,
    PREFLIGHT,
    PUBLIC,
    TOKEN,
    Case,
    send,
)


def application(environ, start_response):
    token = environ.get("authserver.access_token")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [(token.subject if token else "nobody").encode()]


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def served(issuer):
    guard = issuer.guard()
    app = protect_wsgi(application, guard, public=PUBLIC, path_scopes=PATH_SCOPES)
    with make_server("127.0.0.1", 0, validator(app), handler_class=Quiet) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_wsgi_application_is_behind_the_gate(issuer, served, case):
    response, body = send(served, case, issuer.token())
    assert response.status == case.status
    assert (response.getheader("WWW-Authenticate") or "Bearer").startswith("Bearer")
    if case.status == 200:
        assert body == (b"user-1" if case.headers and case.method == "GET" else b"nobody")
    else:
        assert response.getheader("WWW-Authenticate")


def test_scopes_of_all_matching_paths_are_named_together(issuer, served):
    response, _ = send(
        served, Case("", 403, path="/mcp/admin/all/x", headers=TOKEN), issuer.token()
    )
    assert response.getheader("WWW-Authenticate").endswith('scope="issues:write admin"')


@pytest.mark.parametrize(
    "path", [METADATA, f"{METADATA}/", "/.well-known/oauth-protected-resource"]
)
def test_the_metadata_is_public_and_readable_from_any_page(issuer, served, path):
    response, body = send(served, Case("", 200, path=path))
    assert response.status == 200
    assert response.getheader("Content-Type") == "application/json"
    assert response.getheader("Access-Control-Allow-Origin") == "*"
    assert json.loads(body) == {
        "resource": "https://issues.example.com/mcp",
        "authorization_servers": [issuer.url],
        "bearer_methods_supported": ["header"],
        "resource_name": "issues.example.com",
        "scopes_supported": ["issues:read", "issues:write"],
        "dpop_signing_alg_values_supported": list(dpop.ALGORITHMS),
    }


def test_the_metadata_answers_preflight_head_and_nothing_that_writes(served):
    response, body = send(served, Case("", 204, "OPTIONS", METADATA, tuple(PREFLIGHT.items())))
    assert (response.status, body) == (204, b"")
    assert response.getheader("Access-Control-Allow-Headers") == "*, Authorization"
    response, body = send(served, Case("", 200, "HEAD", METADATA))
    assert (response.status, body) == (200, b"")
    assert int(response.getheader("Content-Length")) > 100
    response, _ = send(served, Case("", 405, "POST", METADATA))
    assert (response.status, response.getheader("Allow")) == (405, "GET, HEAD, OPTIONS")


def call(app, environ):
    statuses = []
    body = app(environ, lambda status, _headers: statuses.append(status))
    return (*statuses, body)


def test_a_mounted_application_is_judged_by_its_whole_path(issuer):
    app = protect_wsgi(application, issuer.guard(), public=["/mcp/healthz"])
    environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "/mcp", "PATH_INFO": "/healthz"}
    assert call(app, environ) == ("200 OK", [b"nobody"])
    assert call(app, environ | {"SCRIPT_NAME": ""}) == ("401 Unauthorized", [b""])


def test_a_refused_head_request_gets_no_body(issuer):
    environ = {"REQUEST_METHOD": "HEAD", "PATH_INFO": "/mcp", "HTTP_AUTHORIZATION": "Bearer abc"}
    app = protect_wsgi(application, issuer.guard())
    assert call(app, environ) == ("401 Unauthorized", [b""])


def test_a_token_that_was_put_there_before_does_not_count(issuer):
    app = protect_wsgi(application, issuer.guard(), public=["/"])
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "authserver.access_token": object()}
    assert call(app, environ) == ("200 OK", [b"nobody"])


@pytest.mark.parametrize("options", [
    {"public": ["healthz"]},
    {"public": ["/a/../b"]},
    {"public": ["//"]},
    {"path_scopes": {"admin": ["a"]}},
])  # fmt: skip
def test_a_path_that_could_never_match_is_refused(issuer, options):
    with pytest.raises(ValueError, match="a path begins with a slash"):
        protect_wsgi(application, issuer.guard(), **options)


def test_public_paths_are_a_list(issuer):
    with pytest.raises(TypeError, match="list"):
        protect_wsgi(application, issuer.guard(), public="/healthz")

"""Who answers which path, where the server and its host share one origin"""

import json
import sys

import pytest

from authserver.embedding import asgi
from tests.actors import ISSUER, LOOPBACK
from tests.embedding.both import FORM, JSON, KINDS, Embedded, Host, ask_wsgi, run_asgi, settings_for

CHALLENGE = 'Bearer resource_metadata="https://auth.example/.well-known/oauth-protected-resource"'
MORE = """
[resources.here]
url = "https://auth.example/mcp"
name = "Here"
scopes = { "here:read" = "Read what is here" }
"""
METADATA = "/.well-known/oauth-authorization-server"
OURS_BELOW_THE_ISSUER = [
    "/auth/authorize", "/auth/token", "/auth/register", "/auth/jwks.json", "/auth/sign-in",
    "/auth/callback", "/auth/consent", "/auth/userinfo", "/auth/health",
    f"/auth{METADATA}", "/auth/.well-known/openid-configuration",
    f"{METADATA}/auth", "/.well-known/openid-configuration/auth",
]  # fmt: skip
EITHERS = [
    "/authorize", "/token", "/register", METADATA, "/.well-known/openid-configuration",
    "/.well-known/oauth-protected-resource/mcp", "/.well-known/unknown",
]  # fmt: skip
HOSTS = ["/", "/mcp", "/auth", "/auth/", "/auth/profile", "/auth/token/", "/authentic/token"]
HOSTS += ["/callback", "/sign-in", "/jwks.json", "/health"]


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def host():
    return Host()


@pytest.fixture
def at_path(kind, host, tmp_path, sqlite_url):
    """Embedded with the issuer https://auth.example/auth."""
    return Embedded(kind, host, settings_for(tmp_path, sqlite_url, f"{ISSUER}/auth", MORE))


@pytest.fixture
def at_root(kind, host, tmp_path, sqlite_url):
    """Embedded with the issuer https://auth.example."""
    return Embedded(kind, host, settings_for(tmp_path, sqlite_url, ISSUER, MORE))


def test_what_is_below_the_issuer_is_answered_at_once_whatever_the_host_says(at_path, host):
    host.otherwise = (200, {}, b"the host answers every path")
    for path in OURS_BELOW_THE_ISSUER:
        assert at_path.asks_host("GET", path) == (False, False), path


def test_what_either_may_own_is_asked_of_the_host_first_and_answered_where_it_has_nothing(at_path):
    for path in EITHERS:
        assert at_path.asks_host("GET", path) == (True, False), path


def test_where_the_host_owns_the_same_path_the_host_wins(at_path, at_root, host):
    for status in (200, 204, 302, 400, 401, 403, 405, 410, 500):
        host.otherwise = (status, {"X-Host": "yes", "WWW-Authenticate": "Basic"}, b"the host")
        for path in EITHERS:
            reply = at_path.ask("POST", path)
            assert (reply.status, reply.headers["x-host"], reply.body) == (
                status,
                "yes",
                b"the host",
            )
        assert at_root.asks_host("POST", "/token") == (True, True)


def test_all_else_is_the_hosts_alone(at_path, host):
    for path in HOSTS:
        assert at_path.asks_host("GET", path) == (True, True), path
    assert len(host.asked) == len(HOSTS)


def test_every_path_of_an_issuer_without_a_path_may_be_the_hosts(at_root, host):
    host.answers = {"/register": 200, ("GET", "/health"): 200}
    assert at_root.asks_host("POST", "/register") == (True, True)
    assert at_root.asks_host("GET", "/health") == (True, True)
    assert at_root.asks_host("GET", "/jwks.json") == (True, False)
    assert at_root.asks_host("GET", METADATA) == (True, False)
    assert at_root.asks_host("GET", "/auth/jwks.json") == (True, True)


def test_what_is_switched_off_here_is_the_hosts(at_root, host):
    host.otherwise = (404, {"X-Host": "yes"}, b"no such page of the host's")
    for path in ("/register/jane", "/device_authorization", "/token-batch", "/status-list"):
        reply = at_root.ask("GET", path)
        assert (reply.status, reply.headers.get("x-host")) == (404, "yes"), path
    assert at_root.asks_host("POST", "/par") == (True, False), "which is on"


@pytest.mark.spec("RFC 9728", "5.1")
@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_gate_that_challenges_every_path_does_not_hide_ours(at_root, host, status):
    host.otherwise = (status, {"WWW-Authenticate": CHALLENGE}, b"the host")
    for path in ("/token", "/jwks.json", METADATA, "/authorize"):
        assert at_root.asks_host("GET", path) == (True, False), path
    assert at_root.asks_host("GET", "/mcp") == (True, True)


@pytest.mark.spec("RFC 9728", "3.1")
def test_the_host_serves_the_metadata_of_its_resource_or_we_do(at_path, host):
    path = "/.well-known/oauth-protected-resource/mcp"
    ours = json.loads(at_path.ask("GET", path).body)
    assert ours["resource"] == "https://auth.example/mcp"
    host.answers = {path: (200, {}, b"the host's own")}
    assert at_path.ask("GET", path).body == b"the host's own"


@pytest.mark.spec("RFC 8414", "3.1")
def test_each_form_of_the_metadata_is_the_same_document(at_path):
    forms = [f"{METADATA}/auth", f"/auth{METADATA}", METADATA]
    documents = [json.loads(at_path.ask("GET", form).body) for form in forms]
    assert {each["issuer"] for each in documents} == {f"{ISSUER}/auth"}
    assert documents[0] == documents[1] == documents[2]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("path", ["/register", "/auth/register"])
def test_a_body_that_the_host_has_read_is_read_again(at_path, host, path, chunked):
    body = json.dumps({"redirect_uris": [LOOPBACK], "client_name": "é" * 40}).encode()
    reply = at_path.ask("POST", path, body, JSON, chunked=chunked)
    assert reply.status == 201, reply.body
    assert json.loads(reply.body)["redirect_uris"] == [LOOPBACK]
    assert host.asked == ([("POST", "/register", body)] if path == "/register" else [])


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_long_for_us_is_the_hosts_from_its_beginning(at_path, host, chunked):
    for size, taken in ((64 * 1024, False), (64 * 1024 + 1, True), (300_000, True)):
        body = bytes(range(256)) * 1200
        reply = at_path.ask("POST", "/token", body[:size], FORM, chunked=chunked)
        assert host.asked.pop() == ("POST", "/token", body[:size])
        assert reply.body.startswith(b"the host") == taken, size


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_long_is_refused_below_the_issuer(at_path, chunked):
    reply = at_path.ask("POST", "/auth/token", b"a=" + b"x" * 70_000, FORM, chunked=chunked)
    assert reply.status == 413, reply.body


def test_head_and_options_are_answered_where_get_is(at_path):
    for path in (f"/auth{METADATA}", METADATA):
        document = at_path.ask("GET", path)
        head = at_path.ask("HEAD", path)
        assert (head.status, head.body) == (200, b"")
        assert head.headers["etag"] == document.headers["etag"]
        preflight = at_path.ask("OPTIONS", path, headers=(("Origin", "https://a.example"),))
        assert preflight.status == 204
        assert preflight.headers["access-control-allow-origin"] == "*"


def test_a_prefix_that_a_server_in_front_has_split_off_belongs_to_the_path(at_path, host):
    assert at_path.ask("GET", "/jwks.json", prefix="/auth").status == 200
    assert at_path.ask("GET", "/profile", prefix="/auth").status == 404
    assert host.asked == [("GET", "/auth/profile", b"")]


def test_a_refused_request_leaves_nothing_of_the_hosts_answer(at_path, host):
    host.otherwise = (404, {"Set-Cookie": "host=1", "X-Host": "yes"}, b"the host")
    reply = at_path.ask("GET", METADATA)
    assert "set-cookie" not in reply.headers
    assert "x-host" not in reply.headers
    assert b"the host" not in reply.body


# --- what only WSGI can do ------------------------------------------------------------------


class _Lazy:
    """A host that starts its answer late, and wants to be closed."""

    def __init__(self, status):
        self.status = status
        self.closed = 0

    def __call__(self, _environ, start_response):
        self.start_response = start_response
        return self

    def __iter__(self):
        yield b""
        write = self.start_response(self.status, [("X-Host", "yes")])
        write(b"written, ")
        yield b"yielded"
        write(b", written late")

    def close(self):
        self.closed += 1


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found"])
def test_a_host_that_starts_late_is_heard_and_closed_once(status, tmp_path, sqlite_url):
    host = _Lazy(status)
    settings = settings_for(tmp_path, sqlite_url, f"{ISSUER}/auth")
    app = Embedded("wsgi", host, settings).app
    written: list[bytes] = []

    def start_response(status, headers, exc_info=None):
        return written.append

    answer = app({"REQUEST_METHOD": "GET", "PATH_INFO": METADATA, **_MINIMAL}, start_response)
    body = b"".join(answer)
    answer.close()
    assert host.closed == 1
    if status == "200 OK":
        assert (written, body) == ([b"written, ", b", written late"], b"yielded")
    else:
        assert (written, json.loads(body)["issuer"]) == ([], settings.issuer)


_MINIMAL = {
    "SERVER_NAME": "h",
    "SERVER_PORT": "443",
    "wsgi.url_scheme": "https",
    "wsgi.input": None,
}


def test_a_host_that_never_answers_is_a_bug_that_is_named(tmp_path, sqlite_url):
    app = Embedded("wsgi", lambda *_: [], settings_for(tmp_path, sqlite_url)).app
    with pytest.raises(RuntimeError, match="without an answer"):
        ask_wsgi(app, "GET", METADATA)


# --- what only ASGI can do ------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["asgi"], indirect=True)
def test_lifespan_and_websockets_are_the_hosts(at_path, host):
    scopes: tuple[dict[str, str], ...] = (
        {"type": "lifespan"},
        {"type": "websocket", "path": "/auth/token"},
    )
    for scope in scopes:
        assert run_asgi(at_path.app, scope, []) == [{"type": f"{scope['type']}.seen"}]
        assert host.scopes[-1] is scope


@pytest.mark.parametrize("kind", ["asgi"], indirect=True)
def test_a_client_that_went_away_gets_no_answer(at_path):
    for path in ("/token", "/auth/token"):
        scope: dict[str, object] = {"type": "http", "method": "POST", "path": path, "headers": []}
        sent = run_asgi(at_path.app, scope, [{"type": "http.disconnect"}])
        assert sent == []


@pytest.mark.parametrize("kind", ["asgi"], indirect=True)
def test_bytes_that_are_no_text_in_a_query_are_no_error_of_ours(at_path):
    assert at_path.ask("GET", "/auth/authorize?state=\xff").status == 400


@pytest.mark.parametrize("kind", ["asgi"], indirect=True)
@pytest.mark.parametrize("path", ["/jwks.json", "/auth/jwks.json"])
@pytest.mark.parametrize("root_path", ["/auth", "/auth/"])
def test_a_prefix_counts_once_whether_or_not_the_path_has_it(at_path, path, root_path):
    scope = {"type": "http", "http_version": "1.1", "method": "GET", "headers": []}
    named = {**scope, "path": path, "root_path": root_path}
    sent = run_asgi(at_path.app, named, [{"type": "http.request"}])
    assert sent[0]["status"] == 200


def test_headers_reach_us_in_the_one_form_that_wsgi_can_say():
    headers = [
        (b"cookie", b"a=1"), (b"x-forwarded-for", b"192.0.2.1"), (b"cookie", b"b=2"),
        (b"x_forwarded_for", b"198.51.100.1"), (b"transfer-encoding", b"chunked"),
    ]  # fmt: skip
    scope = {"type": "http", "path": "/auth/token", "headers": headers}
    assert asgi._plain(scope, 5)["headers"] == [
        (b"x-forwarded-for", b"192.0.2.1"), (b"cookie", b"a=1; b=2"), (b"content-length", b"5"),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["asgi"], indirect=True)
def test_a_prefix_in_the_environment_moves_nothing(at_path, monkeypatch):
    monkeypatch.setenv("SCRIPT_NAME", "/elsewhere")
    assert at_path.ask("GET", "/auth/jwks.json").status == 200


def test_without_the_extra_the_error_names_it(monkeypatch, tmp_path, sqlite_url):
    monkeypatch.setitem(sys.modules, "a2wsgi", None)
    with pytest.raises(ImportError, match=r"authserver\[asgi\]"):
        Embedded("asgi", Host(), settings_for(tmp_path, sqlite_url))

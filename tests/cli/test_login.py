"""`login`: a deployment tried as a client would, over HTTP, with a browser that is an actor"""

import json
import socket
import threading
import webbrowser
from contextlib import contextmanager
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from authserver.endpoints import discovery
from authserver.oauth import command_line
from authserver.resource_server import ResourceServer, protect_wsgi
from tests.actors import Browser
from tests.attacks.visiting import count
from tests.live import deployed
from tests.served import Late, served

OLD_RESOURCE = "https://issues.example/mcp"


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture
def start(sqlite_url, idp, tmp_path):
    """Serve a deployment for an MCP server that is served as well; gives both."""

    @contextmanager
    def _start(more="", path=""):
        late = Late()
        with served(late) as origin:
            url = f"{origin}/mcp"

            def point(config):
                config.write_text(config.read_text().replace(OLD_RESOURCE, url))

            with deployed(tmp_path, sqlite_url, idp, path=path, more=more, change=point) as found:
                guard = ResourceServer(issuer=found.issuer, resource=url, scopes=["issues:read"])
                late.app = protect_wsgi(_mcp, guard)
                yield found, url

    return _start


def _mcp(environ, start_response):
    length = int(environ.get("CONTENT_LENGTH") or 0)
    asked = json.loads(environ["wsgi.input"].read(length))
    body = json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": {}}).encode()
    start_response("200 OK", [("Content-Type", "application/json")])
    return [body]


@pytest.fixture
def person(monkeypatch):
    """Somebody in front of the browser that the command opens; `change` alters the way back."""

    def _person(deployment, change=dict, decision="approve"):
        opened = []

        def open_(url):
            opened.append(url)
            browser = Browser(deployment)
            page = browser.sign_in(browser.get(url))
            answer = browser.submit(page, 1, decision=decision)
            back = urlsplit(answer.headers["Location"])
            query = {name: values[0] for name, values in parse_qs(back.query).items()}
            target = f"{back.scheme}://{back.netloc}{back.path}?{urlencode(change(query))}"
            assert requests.get(target, timeout=10).status_code in (200, 404)
            return True

        monkeypatch.setattr(webbrowser, "open", open_)
        return opened

    return _person


def test_from_the_url_of_an_mcp_server_to_its_answer(start, person, run):
    with start() as (deployment, mcp):
        opened = person(deployment)
        result = run("login", mcp, "--json")
        found = json.loads(result.stdout)

        assert result.exit_code == 0
        assert found["issuer"] == deployment.issuer
        assert found["client_id"] == f"{deployment.issuer}{command_line.PATH}"
        assert (found["resource"], found["mcp_status"]) == (mcp, 200)
        assert found["claims"]["aud"] == mcp
        assert "issues:read" in found["scope"].split()
        assert found["revoked"]
        assert "access_token" not in found
        assert "eyJ" not in result.stdout + result.stderr, "no token is printed"
        assert parse_qs(urlsplit(opened[0]).query)["code_challenge_method"] == ["S256"]
        assert count(deployment, "clients") == 0


@pytest.mark.parametrize("path", ["", "/tenant/a"])
def test_from_an_issuer_with_the_resource_named(start, person, run, path):
    with start(path=path) as (deployment, mcp):
        person(deployment)
        result = run("login", deployment.issuer, "--resource", mcp, "--scope", "issues:read")
        assert result.exit_code == 0, result.stderr
        assert f"resource      {mcp}" in result.stdout
        assert "scope         issues:read\n" in result.stdout
        assert '"issues:read"' in result.stdout, "the claims"
        assert "mcp_status" not in result.stdout, "it was not asked"


def test_the_token_is_printed_and_left_alive_only_where_that_is_asked_for(start, person, run):
    with start() as (deployment, mcp):
        person(deployment)
        kept = json.loads(run("login", mcp, "--json", "--show-token").stdout)
        assert not kept["revoked"]
        headers = {"Authorization": f"Bearer {kept['access_token']}"}
        assert requests.post(mcp, json={"id": 1}, headers=headers, timeout=10).status_code == 200


def test_what_is_revoked_after_the_login_is_dead(start, person, run):
    with start() as (deployment, mcp):
        person(deployment)
        assert run("login", mcp).exit_code == 0
        assert count(deployment, "revoked_tokens") == 1


def test_a_user_who_denies_is_told(start, person, run):
    with start() as (deployment, mcp):
        person(deployment, decision="deny")
        result = run("login", mcp)
        assert result.exit_code == 1
        assert "refused: access_denied" in result.stderr


@pytest.mark.spec("RFC 9207", "2.4")
@pytest.mark.parametrize("iss", ["https://evil.example", None])
def test_an_answer_of_another_server_is_not_redeemed(start, person, run, iss):
    with start() as (deployment, mcp):
        person(deployment, change=lambda query: {**query, "iss": iss} if iss else _less_iss(query))
        result = run("login", mcp)
        assert result.exit_code == 1
        assert f"is not from {deployment.issuer}" in result.stderr
        assert count(deployment, "grants") == 0


def _less_iss(query):
    return {name: value for name, value in query.items() if name != "iss"}


def test_an_answer_with_another_state_is_none(start, person, run):
    with start() as (deployment, mcp):
        person(deployment, change=lambda query: {**query, "state": "other"})
        result = run("login", mcp, "--timeout", "0")
        assert result.exit_code == 1
        assert "did not come back" in result.stderr


def test_it_says_so_where_documents_are_switched_off(start, person, run):
    off = "[client_documents]\nenabled = false\n"
    known = f"""
[clients.tester]
name = "Tester"
token_endpoint_auth_method = "none"
grant_types = ["authorization_code"]
redirect_uris = ["{command_line.REDIRECT_URI}"]
targets = ["issues"]
scopes = ["issues:read"]
"""
    with start(off + known) as (deployment, mcp):
        person(deployment)
        url = f"{deployment.issuer}{command_line.PATH}"
        assert requests.get(url, timeout=10).status_code == 404
        browser = Browser(deployment)
        query = urlencode({"client_id": url, "redirect_uri": command_line.REDIRECT_URI})
        assert browser.get(f"{deployment.issuer}/authorize?{query}").status_code == 400

        refused = run("login", mcp)
        assert refused.exit_code == 1
        assert "--client-id" in refused.stderr
        assert run("login", mcp, "--client-id", "tester").exit_code == 0


def test_the_served_document_is_the_client(start):
    with start() as (deployment, _):
        url = f"{deployment.issuer}{command_line.PATH}"
        answer = requests.get(url, timeout=10)
        assert answer.json() == command_line.document(deployment.issuer)
        assert answer.headers["Content-Type"].startswith("application/json")


def test_its_client_is_known_whatever_domains_may_publish(start, person, run):
    denied = '[client_documents]\nallowed_domains = ["claude.ai"]\n'
    with start(denied) as (deployment, mcp):
        person(deployment)
        assert run("login", mcp).exit_code == 0


def test_a_server_with_several_resources_asks_for_one(start, run):
    with start() as (deployment, mcp):
        result = run("login", deployment.issuer)
        assert result.exit_code == 1
        assert "--resource" in result.stderr
        assert mcp in result.stderr


def test_a_url_that_differs_by_a_slash_is_named(start, run):
    with start() as (_, mcp):
        result = run("login", mcp + "/")
        assert result.exit_code == 1
        assert f"says that it is {mcp}" in result.stderr


def test_what_is_neither_says_where_it_looked(run):
    def nothing(_, respond):
        respond("404 Not Found", [])
        return []

    with served(nothing) as origin:
        result = run("login", f"{origin}/mcp")
    assert result.exit_code == 1
    assert f"{origin}/.well-known/oauth-protected-resource/mcp" in result.stderr


def test_nobody_there_is_said(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        result = run("login", url)
    assert result.exit_code == 1
    assert "does not answer" in result.stderr


@pytest.mark.parametrize(
    "url",
    ["nonsense", "http://auth.example", "ftp://localhost/", "https://", "https://a\x1b[2J.example"],
)
def test_a_token_goes_only_where_it_is_safe(run, url):
    assert run("login", url).exit_code == 2


def test_without_a_browser_the_address_is_printed_and_nothing_else_is_opened(
    start, person, run, monkeypatch
):
    with start() as (deployment, mcp):
        opened = person(deployment)
        go, printed = webbrowser.open, []
        monkeypatch.setattr(webbrowser, "open", pytest.fail)

        def echo(text="", **_):
            printed.append(str(text))
            if str(text).startswith("Open this:"):
                threading.Thread(target=go, args=(text.splitlines()[1],)).start()

        monkeypatch.setattr("click.echo", echo)
        run("login", mcp, "--no-browser")
        assert opened
        assert any("mcp_status    200" in each for each in printed)


def test_what_a_server_says_commands_no_terminal(run):
    def app(environ, respond):
        body = b'{"resource": "https://\\u001b[2J/"}'
        status = "200 OK" if "protected" in environ["PATH_INFO"] else "404 Not Found"
        respond(status, [("Content-Type", "application/json")])
        return [body]

    with served(app) as origin:
        result = run("login", f"{origin}/mcp")
    assert "\x1b" not in result.stderr
    assert "https://?[2J/" in result.stderr


def test_an_address_that_would_command_the_terminal_is_none(run):
    def app(environ, respond):
        origin = f"http://{environ['HTTP_HOST']}"
        document = {
            "issuer": origin, "authorization_endpoint": f"{origin}/a\x1b[2J",
            "token_endpoint": f"{origin}/token", "jwks_uri": f"{origin}/jwks",
            "code_challenge_methods_supported": ["S256"],
        }  # fmt: skip
        is_metadata = "authorization-server" in environ["PATH_INFO"]
        respond(
            "200 OK" if is_metadata else "404 Not Found", [("Content-Type", "application/json")]
        )
        return [json.dumps(document).encode()]

    with served(app) as origin:
        asked = (
            "--resource",
            f"{origin}/mcp",
            "--client-id",
            "x",
            "--no-browser",
            "--timeout",
            "0",
        )
        result = run("login", origin, *asked)
    assert "no authorization_endpoint that can be used" in result.stderr
    assert "\x1b" not in result.stderr


def test_the_document_is_at_the_path_of_the_issuer(start):
    with start(path="/tenant/a") as (deployment, _):
        paths = {endpoint.path for endpoint in discovery.endpoints(deployment.server)}
    assert f"/tenant/a{command_line.PATH}" in paths

"""Whatever the query, the form or the cookies: no page answers 5xx or leads where it must not"""

import json
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from werkzeug.test import EnvironBuilder, run_wsgi_app

from authserver.storage.tables import pending_authorizations
from tests.actors import ISSUER, LOOPBACK, RESOURCE, Browser, Deployment, McpClient
from tests.attacks import any_query
from tests.databases import postgresql_database, postgresql_url  # noqa: F401
from tests.examples import examples

PAGES = ("/authorize", "/sign-in", "/consent", "/callback")
UNLIMITED = "\n[rate_limits]\nauthorize_per_address = 0\n"


def bounded(client):
    """Try fewer on PostgreSQL: what differs there is which text a column takes."""
    return examples(60 if client.deployment.settings.database_url.startswith("sqlite") else 15)


@pytest.fixture(params=["sqlite_url", "postgresql_url"])
def client(request, idp, tmp_path):
    """A client of a server on either database, which counts no requests."""
    url = request.getfixturevalue(request.param)
    with Deployment.start(tmp_path, url, idp, more=UNLIMITED) as deployment:
        yield McpClient(deployment).register()


@pytest.fixture
def stranger(client):
    return McpClient(client.deployment, "https://app.example/cb?tenant=7").register()


def _ask(deployment, path, query, *, cookie=None, body=None, content_type=""):
    """Send bytes as they are: no client of ours has a say."""
    environ = EnvironBuilder(path, ISSUER, method="GET" if body is None else "POST").get_environ()
    environ["QUERY_STRING"] = query
    if cookie is not None:
        environ["HTTP_COOKIE"] = cookie
    if body is not None:
        sent = EnvironBuilder(path, ISSUER, method="POST", data=body, content_type=content_type)
        environ |= {k: v for k, v in sent.get_environ().items() if k != "QUERY_STRING"}
    pieces, status, headers = run_wsgi_app(deployment.app, environ, buffered=True)
    return int(status.split()[0]), headers, b"".join(pieces)


def _is_harmless(answer, *proven):
    """No 5xx, no other redirect than to our pages or a proven URI, no refresh to anywhere."""
    status, headers, body = answer
    assert status in (200, 303, 400, 403, 414), (status, body)
    location = headers.get("Location")
    assert (location is not None) == (status == 303)
    if location is not None and not location.startswith(f"{ISSUER}/"):
        assert any(_is_an_answer_to(location, uri) for uri in proven), location
    assert b"http-equiv" not in body
    assert b"<script" not in body
    return True


def _is_an_answer_to(location, uri):
    """Say whether it is this URI, but for the port of a loopback one, with our parameters."""
    sent, known = urlsplit(location), urlsplit(uri)
    if known.scheme == "http":
        same = (sent.scheme, sent.hostname, sent.path) == (known.scheme, known.hostname, known.path)
    else:
        same = location.startswith(uri)
    return same and "iss=https%3A%2F%2Fauth.example" in sent.query and "@" not in sent.netloc


@pytest.mark.spec("OAuth 2.1", "7.13")
@pytest.mark.parametrize("signed_in", [False, True])
def test_any_authorization_request_is_answered_with_a_page_or_at_a_proven_uri(client, signed_in):
    browser = Browser(client.deployment)
    if signed_in:
        client.connect(browser)
    cookie = _cookies(browser)
    seen = set()

    @bounded(client)
    @given(any_query.changes)
    def attack(changes):
        query = any_query.changed(client.authorize_params(), changes)
        answer = _ask(client.deployment, "/authorize", query, cookie=cookie)
        assert _is_harmless(answer, LOOPBACK)
        seen.add(answer[0])

    attack()
    assert seen >= {303, 400}  # else the attack has missed what it is about


def test_no_authorization_request_redirects_to_a_strangers_uri(client, stranger):
    @bounded(client)
    @given(any_query.changes)
    def attack(changes):
        query = any_query.changed(stranger.authorize_params(), changes)
        assert _is_harmless(_ask(client.deployment, "/authorize", query))

    attack()


@pytest.mark.parametrize("path", PAGES)
def test_any_bytes_as_a_query_and_any_cookies_are_answered(client, path):
    browser = Browser(client.deployment)
    pending = browser.get(client.authorize_url()).request.args["pending"]
    name = next(each.key for each in browser.client._cookies.values())
    honest = {"pending": pending, "state": f"{pending}.x", "code": "x", "iss": ISSUER}
    queries = any_query.raw | any_query.changes.map(lambda c: any_query.changed(honest, c))
    known = _cookies(browser)

    @bounded(client)
    @given(queries, any_query.cookies, st.booleans())
    def attack(query, cookie, own):
        sent = known if own else None if cookie is None else f"{name}={cookie}; {cookie}"
        assert _is_harmless(_ask(client.deployment, path, query, cookie=sent), LOOPBACK)

    attack()


@pytest.mark.parametrize("path", ["/sign-in", "/consent"])
def test_any_bytes_as_a_form_are_answered_and_decide_nothing(client, path):
    browser = Browser(client.deployment)
    page = browser.get(client.authorize_url())
    if path == "/consent":
        page = browser.sign_in(page)
    honest = {"pending": page.request.args["pending"], "decision": "approve", "csrf_token": "x"}
    forms = any_query.raw | any_query.changes.map(lambda c: any_query.changed(honest, c))
    types = st.sampled_from(
        ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "",
         "application/json", "multipart/form-data", "application/x-www-form-urlencoded;charset=x"]
    )  # fmt: skip
    cookie = _cookies(browser)

    @bounded(client)
    @given(forms, types)
    def attack(form, content_type):
        answer = _ask(
            client.deployment, path, "", cookie=cookie, body=form.encode("latin-1"),
            content_type=content_type,
        )  # fmt: skip
        assert _is_harmless(answer)
        assert answer[0] in (400, 403)

    attack()
    assert [e["event"] for e in client.deployment.events if e["event"].startswith("consent")] == []


def test_whatever_is_asked_what_goes_on_is_what_was_registered_and_configured(client):
    @bounded(client)
    @given(any_query.changes)
    def attack(changes):
        query = any_query.changed(client.authorize_params(), changes)
        _ask(client.deployment, "/authorize", query)

    attack()
    requested = [e for e in client.deployment.events if e["event"] == "authorization.requested"]
    assert requested
    assert {each["resource"] for each in requested} == {RESOURCE}
    scopes = {name for each in requested for name in each["scope"].split()}
    assert scopes <= {"issues:read", "issues:write", "openid", "profile", "email"}
    with client.deployment.server.store.read() as reads:
        stored = reads._connection.execute(select(pending_authorizations.c.request)).scalars()
        uris = {urlsplit(json.loads(each)["redirect_uri"]) for each in stored}
    assert {(uri.scheme, uri.hostname, uri.path) for uri in uris} == {
        ("http", "127.0.0.1", "/callback")
    }
    assert {(uri.query, uri.fragment, uri.username) for uri in uris} == {("", "", None)}


def _cookies(browser):
    return "; ".join(f"{each.key}={each.value}" for each in browser.client._cookies.values())

"""Cases 21, 22 and 24 to 31: the parameters of an authorization request"""

import time
from urllib.parse import urlencode

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from authserver.oauth.client import Client
from tests.actors import ISSUER, LOOPBACK, Browser, McpClient, links_of, response_of
from tests.attacks.outcomes import is_back, is_page, is_page_with_a_link_back
from tests.attacks.visiting import decide

WEB = "https://app.example/cb"
MANY_SCOPES = " ".join(f"scope-{number}" for number in range(10_000))


@pytest.fixture
def browser(deployment):
    return Browser(deployment)


@pytest.fixture
def local(deployment):
    return McpClient(deployment).register()


@pytest.fixture
def stranger(deployment):
    return McpClient(deployment, WEB).register()


@pytest.mark.spec("OAuth 2.1", "4.1.2.1")
@pytest.mark.parametrize(
    ("response_type", "error"),
    [(None, "invalid_request"), ("", "invalid_request"), ("token", "unsupported_response_type"),
     ("id_token", "unsupported_response_type"), ("code token", "unsupported_response_type"),
     ("code id_token", "unsupported_response_type"), ("none", "unsupported_response_type"),
     ("CODE", "unsupported_response_type"), ("code ", "unsupported_response_type"),
     ('to"ken', "unsupported_response_type"), ("é", "unsupported_response_type")],
)  # fmt: skip
def test_021_only_the_response_type_code_is_supported(browser, local, response_type, error):
    assert is_back(browser.get(local.authorize_url(response_type=response_type)), error, LOOPBACK)


@pytest.mark.parametrize("mode", ["fragment", "form_post", "query.jwt", "web_message"])
def test_021_only_the_response_mode_query_is_supported(browser, local, mode):
    answer = browser.get(local.authorize_url(response_mode=mode))

    assert is_back(answer, "invalid_request", LOOPBACK)


STATES = [
    "x" * 4096, "%" * 4096, "\U0001f600" * 4096, "%",
    "100%25 %zz", "a+b c", "'\"<script>alert(1)</script>", "é漢\U0001f600",
    "&=;#?", "\r\nSet-Cookie: a=b", "{{7*7}}", "\u202e", "code=1&state=2&iss=https://evil.example",
]  # fmt: skip


@pytest.mark.spec("OAuth 2.1", "4.1.2")
@pytest.mark.parametrize("state", STATES, ids=lambda value: ascii(value)[:20])
def test_022_state_comes_back_unchanged_and_on_pages_escaped(deployment, local, stranger, state):
    code = response_of(Browser(deployment).approve(local.authorize_url(state=state)))
    error = Browser(deployment).get(local.authorize_url(state=state, response_type="x"))
    link = Browser(deployment).get(stranger.authorize_url(state=state, response_type="x"))

    assert code["state"] == state
    assert is_back(error, "unsupported_response_type", LOOPBACK, state=state)
    assert is_page_with_a_link_back(link, "unsupported_response_type", WEB, state=state)
    for answer in (error, link):
        assert "<script" not in answer.get_data(as_text=True)
        assert "Set-Cookie: a=b" not in str(answer.headers)


def test_022_a_state_that_is_too_long_is_refused_and_not_sent_back(browser, local):
    answer = browser.get(local.authorize_url(state="x" * 4097))

    assert is_back(answer, "invalid_request", LOOPBACK, state=None)


def test_022_no_state_is_answered_with_none(browser, local):
    assert is_back(browser.get(local.authorize_url(state=None, scope='"')), "invalid_scope",
                   LOOPBACK, state=None)  # fmt: skip


@pytest.mark.spec("OAuth 2.1", "3.1")
@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_024_a_repeated_client_id_or_redirect_uri_gets_a_page(browser, local, name):
    value = local.authorize_params()[name]

    assert is_page(browser.get(local.authorize_url(**{name: [value, value]})))
    assert is_page(browser.get(local.authorize_url(**{name: [value, "https://evil.example"]})))


@pytest.mark.spec("OAuth 2.1", "3.1")
@pytest.mark.parametrize(
    "name", ["response_type", "scope", "code_challenge", "code_challenge_method", "nonce", "prompt"]
)
def test_024_another_repeated_parameter_is_an_error_for_the_client(browser, local, name):
    value = local.authorize_params().get(name, "none")

    answer = browser.get(local.authorize_url(**{name: [value, value]}))

    assert is_back(answer, "invalid_request", LOOPBACK)


def test_024_of_two_states_none_is_sent_back(browser, local):
    answer = browser.get(local.authorize_url(state=["a", "b"]))

    assert is_back(answer, "invalid_request", LOOPBACK, state=None)


@pytest.mark.spec("OAuth 2.1", "3.1")
def test_025_an_empty_parameter_is_absent_and_an_unknown_one_ignored(browser, local):
    url = local.authorize_url(scope="", prompt="", request="", unknown="x", display="page")

    assert browser.get(url).request.path == "/sign-in"
    assert is_back(browser.get(local.authorize_url(code_challenge="")), "invalid_request", LOOPBACK)


@pytest.mark.spec("RFC 9700", "2.6")
@pytest.mark.parametrize("method", ["OPTIONS", "GET", "HEAD", "POST"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", ISSUER])
def test_026_no_other_origin_may_read_the_authorization_endpoint(local, method, origin):
    for path in ("/authorize", "/sign-in", "/callback", "/consent"):
        answer = local.deployment.http().open(
            f"{path}?{urlencode(local.authorize_params())}",
            method=method,
            headers={"Origin": origin, "Access-Control-Request-Method": "GET"},
        )
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


@pytest.mark.spec("OAuth 2.1", "7.5.3")
def test_027_a_form_is_answered_with_a_303(browser, local):
    sign_in = browser.get(local.authorize_url())
    away = browser.submit(sign_in, decision="continue", follow=False)
    browser.come_back(local.deployment.idp.sign_in(away.headers["Location"]))
    consent = browser.get(f"{ISSUER}{sign_in.request.full_path}")
    approved = decide(browser, consent, "approve", follow=False)
    denied = decide(browser, browser.get(local.authorize_url()), "deny", follow=False)
    switched = browser.submit(
        browser.get(local.authorize_url()), 0, decision="switch", follow=False
    )
    elsewhere = Browser(local.deployment)
    cancelled = elsewhere.submit(
        elsewhere.get(local.authorize_url()), decision="cancel", follow=False
    )

    assert {each.status_code for each in (away, approved, denied, switched, cancelled)} == {303}


@pytest.mark.spec("OpenID Connect Core", "3.1.2.6")
@pytest.mark.parametrize(
    ("name", "error"),
    [("request", "request_not_supported"), ("request_uri", "request_uri_not_supported"),
     ("registration", "registration_not_supported"), ("claims", "invalid_request"),
     ("authorization_details", "invalid_request")],
)  # fmt: skip
def test_028_what_would_have_to_be_obeyed_and_is_not_supported_is_refused(
    browser, local, name, error
):
    inner = f"{local.deployment.idp.origin}/inner"

    answer = browser.get(local.authorize_url(**{name: inner}))

    assert is_back(answer, error, LOOPBACK)
    assert local.deployment.idp.seen == []


def test_028_a_request_that_nobody_pushed_is_a_page(browser, local):
    answer = browser.get(local.authorize_url(request_uri="urn:ietf:params:oauth:request_uri:1"))
    assert answer.status_code == 400
    assert "expired or was opened before" in answer.text


@pytest.mark.spec("RFC 6749", "3.3")
@pytest.mark.parametrize("scope", ['"', "\\", "a\tb", "\x1f", "é", "issues:read \x7f", "x" * 257])
def test_030_a_scope_with_a_forbidden_character_is_refused(browser, local, scope):
    assert is_back(browser.get(local.authorize_url(scope=scope)), "invalid_scope", LOOPBACK)


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"scope": MANY_SCOPES}, 414), ({"state": "x" * 1_000_000}, 414), ({"x": ["%"] * 2000}, 400),
     ({"resource": ["x"] * 100_000}, 414), ({"scope": " " * 8000}, 303), ({"x": ["y"] * 101}, 400)],
    ids=["scopes", "state", "escapes", "resources", "spaces", "fields"],
)  # fmt: skip
def test_030_what_is_much_too_long_is_answered_at_once(local, changes, status):
    query = urlencode(local.authorize_params(**changes), doseq=True)
    environ = {**EnvironBuilder("/authorize", ISSUER).get_environ(), "QUERY_STRING": query}

    begin = time.process_time()
    _, answered, _ = run_wsgi_app(local.deployment.app, environ)
    took = time.process_time() - begin

    assert answered.startswith(str(status))
    assert took < 0.25  # 50 ms, with room for the first use of a template


def test_031_a_client_that_is_removed_meanwhile_gets_a_page(browser, local):
    consent = browser.sign_in(browser.get(local.authorize_url()))
    with local.deployment.server.store.write() as tx:
        tx.delete_client(local.client_id)

    assert is_page(decide(browser, consent, "approve", follow=False))
    assert is_page(browser.get(f"{ISSUER}{consent.request.full_path}"))
    assert is_page(browser.get(local.authorize_url()))


def test_031_a_redirect_uri_that_is_taken_away_meanwhile_gets_a_page(browser, stranger):
    consent = browser.sign_in(browser.get(stranger.authorize_url()))
    changed = Client(client_id=stranger.client_id, redirect_uris=("https://app.example/new",))
    _replace(stranger.deployment, changed)

    answer = decide(browser, consent, "approve", follow=False)

    assert is_page(answer)
    assert links_of(answer) == []


def _replace(deployment, client):
    """Store a client as another instance would, without the epoch that a removal counts up."""
    from sqlalchemy import text

    store = deployment.server.store
    with store.write() as tx:
        tx._connection.execute(text("DELETE FROM clients"))
        tx.add_client(client)

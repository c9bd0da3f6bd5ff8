"""Cases 195 and 196: pages while the database does not answer, and hostile texts anywhere"""

import re
import sqlite3
import time
from contextlib import ExitStack, closing, contextmanager
from urllib.parse import quote

import pytest

from tests.actors import LOOPBACK, Browser, Deployment, McpClient
from tests.attacks.outcomes import is_back
from tests.attacks.visiting import decide, sign_in_page
from tests.databases import DATABASES, postgresql_database, postgresql_url  # noqa: F401

ANSWERS_WITHIN = 6
UNLIMITED = "\n[rate_limits]\nauthorize_per_address = 0\nfailures_per_client = 0\n"
TEXTS = [
    "'; DROP TABLE clients; --", "' OR '1'='1", '" OR ""="', "1; SELECT pg_sleep(9)--", "%' OR 1=1",
    "$$;DROP TABLE codes;$$", ":pending_id", "%(client_id)s", "{client_id}", "${jndi:ldap://x/a}",
    "$(id)", "`id`", "|id", "../../../../etc/passwd", "..\\..\\windows\\win.ini", "/dev/stdin",
    "file:///etc/passwd", "C:\\x", "%2e%2e%2f", "~root", "\x1b[2J", "a\r\nb: c", "%s%n", "\ufffe",
]  # fmt: skip


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


@contextmanager
def _locked(client):
    path = client.deployment.settings.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def _no_connection_free(client):
    with ExitStack() as held:
        for _ in range(20):
            held.enter_context(client.deployment.server.store.read())
        yield


def _is_unavailable(ask):
    began = time.monotonic()
    page = ask()
    assert time.monotonic() - began < ANSWERS_WITHIN
    assert (page.status_code, page.mimetype) == (503, "text/html")
    assert int(page.headers["Retry-After"]) > 0
    assert not re.search(r"Traceback|sqlite|sqlalchemy", page.get_data(as_text=True), re.IGNORECASE)
    return True


@pytest.mark.parametrize("failing", [_locked, _no_connection_free])
def test_195_pages_say_that_the_server_is_busy_and_the_same_request_works_later(client, failing):
    browser = Browser(client.deployment)
    sign_in = sign_in_page(client, browser)
    with failing(client):
        assert _is_unavailable(lambda: browser.get(client.authorize_url()))
        assert _is_unavailable(lambda: browser.submit(sign_in, decision="continue"))

    page = browser.sign_in(sign_in)
    with failing(client):
        assert _is_unavailable(lambda: decide(browser, page, "approve"))
    assert "code=" in decide(browser, page, "approve").headers["Location"]


@pytest.fixture(params=DATABASES)
def on_both(request, idp, tmp_path):
    url = request.getfixturevalue(f"{request.param}_url")
    with Deployment.start(tmp_path, url, idp, more=UNLIMITED) as started:
        yield McpClient(started).register()


def test_196_hostile_texts_in_any_parameter_change_nothing(on_both):
    before = on_both.connect()
    browser, http = Browser(on_both.deployment), on_both.deployment.http()
    names = [*on_both.authorize_params(), "scope", "nonce", "login_hint", "prompt", "max_age", "x"]
    for text in TEXTS:
        answers = [browser.get(on_both.authorize_url(**{name: text})) for name in names]
        answers += [
            browser.get(f"/{page}?pending={quote(text)}") for page in ("sign-in", "consent")
        ]
        answers += [browser.come_back({"state": text, "code": text, "iss": text})]
        answers += [
            on_both.token({**on_both.code_params("x"), name: text})
            for name in on_both.code_params("x")
        ]
        answers += [on_both.refresh(text), on_both.refresh(before["refresh_token"], scope=text)]
        answers += [http.get("/userinfo", headers={"Authorization": f"Bearer {text!a}"})]
        assert {each.status_code for each in answers} <= {200, 303, 400, 401, 403}, text

    assert on_both.refresh(before["refresh_token"]).status_code == 200
    assert on_both.connect()["scope"] == before["scope"]
    with on_both.deployment.server.store.read() as reads:
        assert reads.client_count() == 1


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text)[:20])
def test_196_a_hostile_text_is_stored_and_given_back_as_what_it_is(on_both, text):
    answer = on_both.deployment.http().post(
        "/register", json={"redirect_uris": [LOOPBACK], "client_name": text, "client_uri": text}
    )
    named = McpClient(on_both.deployment, client_id=answer.json["client_id"])
    page = Browser(on_both.deployment).get(named.authorize_url(state=text, scope="unknown"))
    back = Browser(on_both.deployment).get(named.authorize_url(state=text, prompt="none"))

    assert answer.status_code == 201
    assert page.status_code == 200
    assert is_back(back, "login_required", LOOPBACK, state=text)


@pytest.mark.parametrize(
    "path", ["/../../etc/passwd", "/templates/layout.html", "/static/x", "/..%2f..%2fetc/passwd",
             "/.well-known/../../etc/passwd", "/.well-known/oauth-protected-resource/../x",
             "/authserver.toml", "/sealing-key", "/.git/config", "/%00", "/style.css"],
)  # fmt: skip
def test_196_no_path_leads_to_a_file(deployment, path):
    assert deployment.http().get(path).status_code == 404

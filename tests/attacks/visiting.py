"""The stations of one visit, so that a test can stop at each, and what is left behind"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace

from werkzeug.test import TestResponse

from tests.actors import Browser, Deployment, McpClient, forms_of


def registered(deployment: Deployment, uri: str, *, assured=False, **metadata) -> McpClient:
    """Register over HTTP; the operator's own client is that row with `preregistered` set."""
    client = McpClient(deployment, uri, metadata).register()
    if assured:
        with deployment.server.store.write() as tx:
            stored = tx.client(client.client_id)
            assert stored
            tx.delete_client(client.client_id)
            client.client_id = f"operators-{client.client_id[-6:]}"
            tx.add_client(replace(stored, client_id=client.client_id, preregistered=True))
    return client


def sign_in_page(client: McpClient, browser: Browser, **changes) -> TestResponse:
    """Follow the client's link as far as our sign-in page."""
    page = browser.get(client.authorize_url(**changes))
    assert is_sign_in_page(page), (page.status_code, page.request.path)
    return page


def upstream_url(client: McpClient, browser: Browser, **changes) -> str:
    """Go on as far as the identity provider's door."""
    away = browser.submit(sign_in_page(client, browser, **changes), decision="continue")
    assert away.status_code == 303
    return str(away.headers["Location"])


def callback(client: McpClient, browser: Browser, subject=None, **changes) -> dict[str, str]:
    """Sign in at the identity provider, and stop before the way back."""
    return client.deployment.idp.sign_in(upstream_url(client, browser, **changes), subject)


def consent_page(client: McpClient, browser: Browser, subject=None, **changes) -> TestResponse:
    """Go on as far as the consent page, signing in where that is asked."""
    page = browser.get(client.authorize_url(**changes))
    if page.request.path.endswith("/sign-in"):
        page = browser.sign_in(page, subject)
    assert is_consent_page(page), (page.status_code, page.request.path)
    return page


def is_consent_page(page: TestResponse) -> bool:
    return page.status_code == 200 and page.request.path.endswith("/consent")


def is_sign_in_page(page: TestResponse) -> bool:
    return page.status_code == 200 and page.request.path.endswith("/sign-in")


def decide(browser: Browser, page: TestResponse, decision: str, **fields) -> TestResponse:
    """Press a button of the consent page: "switch" stands in a form of its own."""
    return browser.submit(page, 0 if decision == "switch" else 1, decision=decision, **fields)


def fields_of(page: TestResponse, form: int = -1) -> dict[str, str]:
    return dict(forms_of(page)[form]["fields"])


def cookies_of(browser: Browser) -> Mapping[str, str]:
    """Return the browser's cookies by what they are for: "browser" and "session"."""
    jar = browser.client._cookies or {}
    return {cookie.key.rpartition("-")[2]: cookie.value for cookie in jar.values()}


def count(deployment: Deployment, table: str) -> int:
    """Return how many rows a table has."""
    path = deployment.settings.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as database:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608


def nothing_was_granted(deployment: Deployment) -> bool:
    """No code exists, no consent is remembered, no grant began."""
    return [count(deployment, table) for table in ("codes", "consents", "grants")] == [0, 0, 0]


def nobody_is_signed_in(
    client: McpClient, browser: Browser, page: TestResponse, reason: str
) -> bool:
    """Refused, audited, nothing kept; and once the provider behaves, the same page goes on."""
    assert is_sign_in_page(page), (page.status_code, page.request.path)
    assert "could not be signed in" in page.get_data(as_text=True)
    assert "session" not in cookies_of(browser)
    assert (count(client.deployment, "sessions"), count(client.deployment, "users")) == (0, 0)
    assert client.deployment.last("sign_in.failed")["reason"] == reason
    idp = client.deployment.idp
    idp.callback, idp.claims, idp.header, idp.userinfo, idp.token_answer = {}, {}, {}, {}, {}
    idp.forge = str
    return is_consent_page(browser.sign_in(page))

"""Which upstream tokens are kept, and when a signed-in user goes upstream for them"""

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from authserver.storage.sealed_values import VAULT_COLUMNS
from authserver.upkeep import run_once
from authserver.vault import NoUpstreamToken
from tests.actors import Browser, McpClient, response_of
from tests.upstream.hostile_idp import ABSENT
from tests.vault.conftest import Vault

WIKI = "https://wiki.example/mcp"


def begin(deployment, browser, **changes):
    """Let a new client send the browser to us; return the page that it lands on."""
    client = McpClient(deployment).register()
    return browser.get(client.authorize_url(**changes))


def asked_upstream(browser, page):
    away = browser.submit(page, decision="continue", follow=False)
    return parse_qs(urlsplit(away.headers["Location"]).query)["scope"][0].split()


def is_sign_in(page):
    return "/sign-in" in page.request.path


def is_consent(page):
    return "/consent" in page.request.path


def test_the_scopes_of_a_resource_are_asked_for_only_for_it(start):
    deployment = start()
    browser = Browser(deployment)
    usual = ["openid", "profile", "email"]
    for resource, more in ((None, ["api:read", "offline_access"]), (WIKI, [])):
        changes = {} if resource is None else {"resource": resource}
        page = begin(deployment, browser, **changes)
        assert asked_upstream(browser, page) == usual + more


def test_tokens_are_kept_sealed_for_the_resource_that_asks(kept, idp):
    row = kept.row()
    assert (row.sub, row.resource) == (kept.sub, kept.resource.url)
    assert (row.upstream_issuer, row.upstream_subject) == (idp.issuer, "user-1")
    for sealed in (row.access_token, row.refresh_token, row.id_token):
        assert sealed.startswith("v1:")
    asked = ("openid", "profile", "email", "api:read", "offline_access")
    assert row.scope == row.requested_scope == asked
    assert row.expires_at == kept.deployment.clock.now + 300
    assert idp.access_tokens[kept.token().access_token] == "user-1"


def test_no_tokens_are_kept_for_a_resource_that_does_not_ask(start):
    deployment = start()
    browser = Browser(deployment)
    page = browser.sign_in(begin(deployment, browser, resource=WIKI))
    assert is_consent(page)
    assert Vault(deployment).row() is None


def test_the_scope_that_the_provider_says_it_granted_is_noted(start, idp):
    idp.token_answer = {"scope": "openid api:read"}
    found = Vault(start())
    found.connect()
    assert found.row().scope == ("openid", "api:read")
    assert found.row().requested_scope[-2:] == ("api:read", "offline_access")


def test_a_signed_in_user_goes_upstream_again_for_tokens_that_are_missing(start):
    deployment = start()
    browser = Browser(deployment)
    browser.sign_in(begin(deployment, browser, resource=WIKI))
    page = begin(deployment, browser)
    assert is_sign_in(page)
    page = browser.sign_in(page)
    assert is_consent(page)
    assert Vault(deployment).row() is not None


def test_a_signed_in_user_whose_tokens_are_there_does_not_go_upstream_again(kept):
    browser = Browser(kept.deployment)
    page = browser.sign_in(begin(kept.deployment, browser))
    assert is_consent(page)
    assert is_consent(begin(kept.deployment, browser))


def test_two_requests_in_two_tabs_each_get_their_tokens(start):
    """The sign-in for one resource is no sign-in for the other, though it came after both."""
    deployment = start()
    browser = Browser(deployment)
    issues, wiki = begin(deployment, browser), begin(deployment, browser, resource=WIKI)
    assert is_consent(browser.sign_in(wiki))
    page = browser.get(f"{deployment.issuer}{issues.request.full_path}")
    assert is_sign_in(page)
    assert is_consent(browser.sign_in(page))


def test_narrower_tokens_are_asked_for_again_once(start, idp):
    old = start()
    browser = Browser(old)
    browser.sign_in(begin(old, browser))
    wider = start(scopes='["api:read", "api:write"]')
    browser.deployment, browser.client.application = wider, wider.app
    idp.token_answer = {"scope": "openid api:read"}  # the user does not give more
    wider.wait(1)
    page = begin(wider, browser)
    assert is_sign_in(page)
    assert "api:write" in asked_upstream(browser, page)
    assert is_consent(browser.sign_in(page))
    assert is_consent(begin(wider, browser))


def test_a_narrower_grant_is_no_loop(start, idp):
    idp.token_answer = {"scope": "openid"}
    found = Vault(start())
    found.connect()
    browser = Browser(found.deployment)
    found.deployment.wait(1)
    assert is_consent(browser.sign_in(begin(found.deployment, browser)))
    assert is_consent(begin(found.deployment, browser))


def test_offline_access_and_openid_need_not_be_named_in_the_answer(start, idp):
    idp.token_answer = {"scope": "api:read"}
    deployment = start(scopes='["openid", "offline_access", "api:read"]')
    browser = Browser(deployment)
    browser.sign_in(begin(deployment, browser))
    browser.sign_in(begin(deployment, browser, resource=WIKI, prompt="login"))
    assert is_consent(begin(deployment, browser))


def test_tokens_that_have_expired_for_good_are_asked_for_again(start, idp):
    idp.token_answer = {"refresh_token": ABSENT}
    deployment = start()
    browser = Browser(deployment)
    browser.sign_in(begin(deployment, browser))
    deployment.wait(240 - 1)
    assert is_consent(begin(deployment, browser))
    deployment.wait(1)
    assert is_sign_in(begin(deployment, browser))


def test_tokens_that_expire_at_once_are_no_loop(start, idp):
    idp.token_answer = {"refresh_token": ABSENT, "expires_in": 1}
    deployment = start()
    browser = Browser(deployment)
    assert is_consent(browser.sign_in(begin(deployment, browser)))


def test_damaged_tokens_are_asked_for_again_and_nothing_else_breaks(kept, caplog):
    row = kept.change(access_token=kept.row().refresh_token)
    browser = Browser(kept.deployment)
    signed_in = browser.sign_in(begin(kept.deployment, browser, resource=WIKI))
    assert is_consent(signed_in)
    page = begin(kept.deployment, browser)
    assert is_sign_in(page)
    assert row.digest in caplog.text
    assert "v1:" not in caplog.text
    assert is_consent(browser.sign_in(page))
    assert kept.token().access_token.startswith("canary-access")


def test_a_silent_request_without_tokens_is_told_to_sign_in(start):
    deployment = start()
    browser = Browser(deployment)
    browser.sign_in(begin(deployment, browser, resource=WIKI))
    answer = begin(deployment, browser, prompt="none")
    assert response_of(answer)["error"] == "login_required"


def test_a_user_whom_the_policy_denies_has_no_tokens_kept(start, idp):
    deployment = start(scopes='["api:read"]\nallow = { emails = ["bob@example.com"] }')
    browser = Browser(deployment)
    page = browser.sign_in(begin(deployment, browser))
    assert page.status_code == 403 or "may not" in page.get_data(as_text=True)
    assert Vault(deployment).row() is None


def test_nothing_is_kept_of_a_sign_in_that_is_refused(start, idp):
    idp.claims = {"nonce": "another"}
    deployment = start()
    browser = Browser(deployment)
    assert is_sign_in(browser.sign_in(begin(deployment, browser)))
    assert Vault(deployment).row() is None


def test_another_user_of_the_same_browser_has_tokens_of_their_own(kept):
    browser = Browser(kept.deployment)
    browser.sign_in(begin(kept.deployment, browser), "user-2")
    with kept.deployment.server.store.read() as reads:
        assert len(reads.vault_rows("", 10)) == 2
    assert kept.deployment.idp.access_tokens[kept.token().access_token] == "user-1"


def test_tokens_go_when_their_resource_does_not_ask_any_more(kept):
    run_once(kept.deployment.server)
    assert kept.row() is not None
    server = kept.deployment.server
    with server.store.write() as tx:
        tx.forget_upstream_tokens_but(())
    assert kept.row() is None


def test_rows_that_were_swapped_give_nobody_the_others_token(kept):
    """LE-2: each value is sealed to its row, and the row's name is made of its user."""
    client = McpClient(kept.deployment).register()
    Browser(kept.deployment).approve(client.authorize_url(), "user-2")
    with kept.deployment.server.store.write() as tx:
        one, two = (tx.upstream_tokens(row.digest) for row in tx.vault_rows("", 10))
        for row, other in ((one, two), (two, one)):
            values = {name: getattr(other, name) for name in VAULT_COLUMNS}
            tx.keep_upstream_tokens(replace(row, **values))
    for kept.sub in (one.sub, two.sub):
        with pytest.raises(NoUpstreamToken, match="no_tokens"):
            kept.token()

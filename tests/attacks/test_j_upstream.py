"""Cases 152, 154 to 156, 158, 163: an identity provider that is not ours to trust"""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.actors import Browser, McpClient, claims_of
from tests.attacks.visiting import (
    callback,
    consent_page,
    count,
    nobody_is_signed_in,
    sign_in_page,
    upstream_url,
)
from tests.upstream.hostile_idp import ABSENT

OTHER = "https://other-tenant.example"


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


@pytest.fixture
def browser(deployment):
    return Browser(deployment)


@pytest.mark.spec("RFC 9207", "2.4")
@pytest.mark.parametrize(
    ("iss", "reason"),
    [(OTHER, "iss_mismatch"), ("", "iss_missing"), (ABSENT, "iss_missing"), ("/", "iss_mismatch")],
)
@pytest.mark.parametrize("answer", [{}, {"code": ABSENT, "error": "access_denied"}])
def test_152_an_answer_of_another_issuer_is_refused_also_when_it_is_an_error(
    client, browser, iss, reason, answer
):
    client.deployment.idp.callback = {**answer, "iss": iss}

    page = browser.come_back(callback(client, browser))

    assert client.deployment.idp.asked("/token") == [], "its code is sent nowhere"
    assert nobody_is_signed_in(client, browser, page, reason)


@pytest.mark.spec("RFC 9207", "2.4")
def test_152_the_issuer_with_a_slash_more_is_another_issuer(client, browser):
    client.deployment.idp.callback = {"iss": client.deployment.idp.issuer + "/"}

    page = browser.come_back(callback(client, browser))

    assert nobody_is_signed_in(client, browser, page, "iss_mismatch")


@pytest.mark.spec("OpenID Connect Core", "5.3.2")
@pytest.mark.parametrize("sub", ["admin", "", ABSENT, None, ["user-1"]])
def test_154_userinfo_about_another_user_signs_nobody_in(client, browser, sub):
    client.deployment.idp.claims = {"name": ABSENT, "email": ABSENT}
    client.deployment.idp.userinfo = {"sub": sub}

    page = browser.come_back(callback(client, browser))

    assert nobody_is_signed_in(client, browser, page, "userinfo_subject_mismatch")


@pytest.mark.spec("OpenID Connect Core", "5.7")
@pytest.mark.parametrize("verified", [True, False])
def test_155_two_accounts_with_one_address_are_two_users(client, browser, verified):
    client.deployment.idp.claims = {"email_verified": verified}
    other = Browser(client.deployment)

    ones = client.connect(browser)
    page = consent_page(client, other, "user-2")

    assert "You have allowed this before" not in page.get_data(as_text=True)
    assert count(client.deployment, "users") == 2
    assert claims_of(ones["access_token"])["sub"].startswith("usr-")


def test_155_an_account_that_changes_its_address_stays_the_same_user(client, browser):
    first = claims_of(client.connect(browser)["access_token"])["sub"]
    client.deployment.idp.claims = {"email": "new@example.com", "name": "New Name"}

    second = claims_of(client.connect(Browser(client.deployment))["access_token"])["sub"]

    assert first == second
    assert count(client.deployment, "users") == 1


@pytest.mark.spec("OpenID Connect Discovery", "4.3")
@pytest.mark.parametrize("issuer", [OTHER, ABSENT, None, 1])
def test_156_a_discovery_document_of_another_issuer_is_not_used(client, browser, issuer):
    client.deployment.idp.metadata = {"issuer": issuer}
    page = sign_in_page(client, browser)

    answer = browser.submit(page, decision="continue")

    assert answer.status_code == 503
    assert "does not answer" in answer.get_data(as_text=True)
    failed = client.deployment.last("sign_in.failed")
    assert failed["reason"] == "discovery_issuer_mismatch"
    assert count(client.deployment, "upstream_logins") == 0
    assert count(client.deployment, "pending_authorizations") == 1


@pytest.mark.parametrize(
    "endpoint", ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"]
)
@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "http://evil.example/", "https://u@evil.example/", "", 5, "//x"]
)
def test_156_a_discovery_document_with_unusable_endpoints_is_not_used(
    client, browser, endpoint, url
):
    client.deployment.idp.metadata = {endpoint: url}

    answer = browser.submit(sign_in_page(client, browser), decision="continue")

    assert answer.status_code == 503
    assert "Location" not in answer.headers
    assert client.deployment.last("sign_in.failed")["reason"] == "discovery_invalid"


@pytest.mark.spec("RFC 9700", "2.1.1")
def test_158_our_own_request_always_has_pkce_a_nonce_and_a_state_of_its_own(client, browser):
    doors = [upstream_url(client, browser) for _ in range(3)]

    seen = [parse_qs(urlsplit(door).query) for door in doors]
    for asked in seen:
        assert asked["code_challenge_method"] == ["S256"]
        assert asked["response_type"] == ["code"]
        assert asked["redirect_uri"] == ["https://auth.example/callback"]
        assert all(len(values) == 1 for values in asked.values())
    for name in ("state", "nonce", "code_challenge"):
        values = [asked[name][0] for asked in seen]
        assert len(set(values)) == 3
        assert all(len(value) >= 43 for value in values)


def test_158_nothing_of_the_clients_request_is_passed_on(client, browser):
    door = upstream_url(client, browser, state="canary-state", nonce="canary-nonce", ui_locales="x")

    assert "canary" not in door
    assert client.client_id not in door
    assert "issues" not in door


def test_163_a_token_of_another_tenant_signs_nobody_in(client, browser):
    """Each tenant's issuer has the tenant in its path; keys may be the same for all."""
    idp = client.deployment.idp
    idp.claims = {"iss": f"{idp.issuer}/another-tenant", "tid": "another-tenant"}

    page = browser.come_back(callback(client, browser))

    assert nobody_is_signed_in(client, browser, page, "id_token_issuer")


def test_163_a_template_for_an_issuer_is_no_issuer(client, browser):
    idp = client.deployment.idp
    idp.metadata = {"issuer": f"{idp.issuer}/{{tenantid}}"}

    assert browser.submit(sign_in_page(client, browser), decision="continue").status_code == 503

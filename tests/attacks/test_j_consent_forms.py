"""Cases 137, 138, 143, 147: only the page that was shown in this browser can be posted"""

import pytest

from tests.actors import Browser, Deployment, McpClient, response_of
from tests.attacks.outcomes import is_back, is_page
from tests.attacks.visiting import (
    consent_page,
    count,
    decide,
    fields_of,
    is_consent_page,
    nothing_was_granted,
    sign_in_page,
)

OTHER_RESOURCE = "https://wiki.example/mcp"
EVIL = "https://evil.example/cb"


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


@pytest.fixture
def browser(deployment):
    return Browser(deployment)


@pytest.mark.spec("MCP security best practices", "Confused deputy")
@pytest.mark.parametrize("decision", ["approve", "deny", "switch"])
@pytest.mark.parametrize(
    "token", [None, "", "x", "0" * 64, "é", "\ud800", ["a", "b"], "x" * 50_000]
)
def test_137_a_form_without_its_token_decides_nothing(client, browser, decision, token):
    page = consent_page(client, browser)
    if isinstance(token, str):
        token = token.encode("utf-8", "surrogatepass")

    answer = decide(browser, page, decision, csrf_token=token)

    assert is_page(answer, 400 if isinstance(token, list) or b"\xed" in (token or b"") else 403)
    assert nothing_was_granted(client.deployment)
    assert decide(browser, page, "approve").status_code == 303, "the page itself is not spent"


@pytest.mark.spec("MCP security best practices", "Confused deputy")
def test_137_a_token_of_another_browser_tab_or_page_decides_nothing(client, browser):
    first = sign_in_page(client, browser)
    page = browser.sign_in(first)
    others = [
        first,
        consent_page(client, browser),
        consent_page(client, Browser(client.deployment)),
    ]

    for other in others:
        token = fields_of(other)["csrf_token"]
        assert is_page(decide(browser, page, "approve", csrf_token=token), 403)

    assert nothing_was_granted(client.deployment)
    assert decide(browser, page, "approve").status_code == 303


def test_137_a_sign_in_form_without_its_token_leads_nowhere(client, browser):
    page = sign_in_page(client, browser)

    for decision in ("continue", "cancel"):
        for token in (None, "x", fields_of(sign_in_page(client, browser))["csrf_token"]):
            assert is_page(browser.submit(page, decision=decision, csrf_token=token), 403)

    assert count(client.deployment, "upstream_logins") == 0
    assert is_consent_page(browser.sign_in(page))


@pytest.mark.spec("OAuth 2.1", "7.9")
def test_138_the_attackers_own_page_posted_by_the_victims_browser_decides_nothing(client, browser):
    """The victim is signed in; the attacker has a real consent page of a client of their own."""
    evil = McpClient(client.deployment, EVIL).register()
    attackers_page = consent_page(evil, Browser(client.deployment), "attacker")
    mine = consent_page(client, browser, "victim")

    for decision in ("approve", "deny", "switch"):
        assert is_page(decide(browser, attackers_page, decision), 403)

    own = fields_of(mine)
    mixed = decide(browser, attackers_page, "approve", csrf_token=own["csrf_token"])
    assert is_page(mixed, 403)
    assert nothing_was_granted(client.deployment)
    assert decide(browser, mine, "approve").status_code == 303, "the victim's session lives"


@pytest.mark.parametrize(
    "edited",
    [
        {"scope": ["issues:read", "admin:everything", "wiki:read"]},
        {"scope": ["issues:read", "issues:read"]},
        {"resource": OTHER_RESOURCE, "scope": "issues:read"},
        {"redirect_uri": EVIL, "scope": "issues:read"},
        {"client_id": "another", "state": "other", "scope": "issues:read"},
        {"code_challenge": "x" * 43, "user": "admin", "sub": "usr-1", "scope": "issues:read"},
    ],
)
def test_143_edited_fields_change_nothing_but_which_scopes_are_ticked(client, browser, edited):
    page = consent_page(client, browser)

    answer = decide(browser, page, "approve", **edited)

    assert answer.headers["Location"].startswith(client.redirect_uri + "?")
    members = response_of(answer)
    assert members["state"] == "state-1"
    tokens = client.redeem(members["code"]).json
    assert tokens["scope"] == "issues:read"


@pytest.mark.parametrize("scope", [None, "", "admin", "issues:read issues:write"])
def test_143_a_form_with_no_scope_that_was_asked_for_approves_nothing(client, browser, scope):
    page = consent_page(client, browser)

    assert is_page(decide(browser, page, "approve", scope=scope))

    assert nothing_was_granted(client.deployment)
    assert decide(browser, page, "approve").status_code == 303


@pytest.mark.parametrize("decision", [None, "", "yes", "APPROVE", "approve ", ["approve", "deny"]])
def test_143_a_form_that_decides_neither_decides_nothing(client, browser, decision):
    page = consent_page(client, browser)

    assert is_page(decide(browser, page, decision))

    assert nothing_was_granted(client.deployment)


@pytest.mark.spec("OAuth 2.1", "4.1.2.1")
@pytest.mark.parametrize("uri", ["http://127.0.0.1:3999/callback", "https://app.example/cb"])
def test_147_declining_goes_back_and_is_final(deployment, browser, uri):
    client = McpClient(deployment, uri).register()
    page = consent_page(client, browser)

    assert is_back(decide(browser, page, "deny"), "access_denied", uri)

    assert nothing_was_granted(deployment)
    assert is_page(decide(browser, page, "approve"))
    assert nothing_was_granted(deployment)


def test_147_declining_at_an_apps_scheme_is_a_page_with_a_link(deployment, browser):
    client = McpClient(deployment, "cursor://anysphere.cursor-mcp/oauth/callback").register()

    answer = decide(browser, consent_page(client, browser), "deny")

    assert answer.status_code == 200
    assert "Access was not given" in answer.get_data(as_text=True)
    assert response_of(answer)["error"] == "access_denied"


def test_147_nothing_is_decided_by_a_get(client, browser):
    page = consent_page(client, browser)
    pending, token = (fields_of(page)[name] for name in ("pending", "csrf_token"))

    for decision in ("approve", "deny", "switch"):
        again = browser.get(
            f"/consent?pending={pending}&csrf_token={token}&decision={decision}&scope=issues:read"
        )
        assert is_consent_page(again)

    assert nothing_was_granted(client.deployment)


def test_147_cancelling_before_the_sign_in_goes_back_and_is_final(client, browser):
    page = sign_in_page(client, browser)

    assert is_back(browser.submit(page, decision="cancel"), "access_denied", client.redirect_uri)

    assert is_page(browser.submit(page, decision="continue"))
    assert is_page(browser.submit(page, decision="cancel"))
    assert count(client.deployment, "upstream_logins") == 0


def test_138_every_scope_of_the_largest_resource_can_be_approved(sqlite_url, idp, tmp_path):
    scopes = [f"part-{number:03}:read.and-write" for number in range(200)]
    more = "".join(f'"{scope}" = "A part"\n' for scope in scopes)
    more = f'[resources.large]\nurl = "https://large.example/mcp"\n[resources.large.scopes]\n{more}'
    with Deployment.start(tmp_path, sqlite_url, idp, more=more) as large:
        client = McpClient(large).register()
        code = client.code(resource="https://large.example/mcp")
        answer = client.redeem(code, resource=None)

    assert answer.json["scope"].split() == scopes

"""Who may use which MCP server: on the pages, at the token endpoint, and inside the tokens

One identity provider stands behind four MCP servers with rules of their own.
"""

import json

import pytest
from sqlalchemy import create_engine, text

from authserver.oauth.claim import MAX_BYTES
from authserver.settings import load
from tests.actors import Browser, Deployment, McpClient, claims_of, response_of, write_config
from tests.attacks.visiting import (
    consent_page,
    count,
    decide,
    is_consent_page,
    is_sign_in_page,
    nothing_was_granted,
    registered,
)

TRACKER, VAULT, WIKI = (f"https://{name}.example/mcp" for name in ("tracker", "vault", "wiki"))
READ, WRITE = "tracker:read", "tracker:write"
LOOPBACK, WEB, APP = (
    "http://127.0.0.1:3999/callback",
    "https://app.example/cb",
    "cursor://anysphere.cursor-mcp/oauth/callback",
)
STAFF = 'email_domains = ["example.com"]'
DEVS = 'groups = ["devs"]'
MORE = f"""
[pages]
operator = "Northwind"

[resources.tracker]
url = "{TRACKER}"
name = "Tracker"
claims = ["name", "email", "groups", "department"]
allow = {{ STAFF }}
scopes = {{ "{READ}" = "Read it", "{WRITE}" = {{ description = "Change it", allow = {{ DEVS }} }} }}

[resources.vault]
url = "{VAULT}"
name = "Vault"
allow = {{ groups = ["admins"] }}
scopes = {{ "vault:open" = "Open the vault" }}
"""


def rules(staff=STAFF, devs=DEVS):
    return MORE.replace("STAFF", staff).replace("DEVS", devs)


@pytest.fixture
def start(sqlite_url, idp, tmp_path):
    """Start the server, again too, with other rules and the same database."""
    started = []

    def start(**changed):
        found = Deployment.start(tmp_path, sqlite_url, idp, more=rules(**changed))
        started.append(found)
        return found

    yield start
    for each in started:
        each.server.store.close()


@pytest.fixture
def deployment(start):
    return start()


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


def describe(idp, *groups, **claims):
    """Say what the provider tells of everybody who signs in from now on."""
    idp.claims = {"groups": list(groups), **claims}


def connect(client, resource=TRACKER, browser=None, **changes):
    code = client.code(browser, resource=resource, **changes)
    return client.redeem(code, resource=resource).json


def refresh(client, tokens, **changes):
    return client.refresh(tokens["refresh_token"], **{"resource": TRACKER, **changes})


def sign_in_again(deployment, *groups, **claims):
    """The user signs in in another browser, for another MCP server: only the claims change."""
    describe(deployment.idp, *groups, **claims)
    McpClient(deployment).register().connect()


def denied(client, browser=None, resource=TRACKER, **changes):
    """Go as far as the page that says no."""
    browser = browser or Browser(client.deployment)
    page = browser.get(client.authorize_url(resource=resource, **changes))
    if page.request.path.endswith("/sign-in"):
        page = browser.sign_in(page)
    assert page.status_code == 403, page.get_data(as_text=True)
    assert page.request.path.endswith("/consent")
    return page


def words(page):
    return " ".join(page.get_data(as_text=True).split())


# --- what is offered -------------------------------------------------------------------------


def test_before_sign_in_the_page_shows_what_is_asked_and_after_it_what_may_be_given(client):
    browser = Browser(client.deployment)
    before = browser.get(client.authorize_url(resource=TRACKER))
    after = browser.sign_in(before)

    assert "Read it" in words(before)
    assert "Change it" in words(before)
    assert is_consent_page(after)
    assert "Read it" in words(after)
    assert "Change it" not in words(after)
    assert WRITE not in words(after)


@pytest.mark.parametrize(("groups", "scope"), [([], READ), (["devs"], f"{READ} {WRITE}")])
def test_a_token_has_the_scopes_that_are_the_users(client, idp, groups, scope):
    describe(idp, *groups)
    tokens = connect(client)
    assert tokens["scope"] == claims_of(tokens["access_token"])["scope"] == scope


def test_a_scope_that_was_not_offered_is_not_granted_by_a_forged_form(client):
    browser = Browser(client.deployment)
    page = consent_page(client, browser, resource=TRACKER)
    answer = decide(browser, page, "approve", scope=[READ, WRITE])
    tokens = client.redeem(response_of(answer)["code"], resource=TRACKER).json
    assert tokens["scope"] == READ


def test_a_group_lost_while_the_page_is_open_is_lost_at_the_decision(client, deployment, idp):
    describe(idp, "devs")
    browser = Browser(deployment)
    page = consent_page(client, browser, resource=TRACKER)
    sign_in_again(deployment)

    answer = decide(browser, page, "approve", scope=[READ, WRITE])

    assert client.redeem(response_of(answer)["code"], resource=TRACKER).json["scope"] == READ


def test_two_resources_of_one_provider_have_audiences_scopes_and_rules_of_their_own(client, idp):
    describe(idp, "admins", department="IT")
    browser = Browser(client.deployment)
    tokens = {url: connect(client, url, browser) for url in (TRACKER, VAULT, WIKI)}
    claims = {url: claims_of(each["access_token"]) for url, each in tokens.items()}

    assert {url: (each["aud"], each["scope"]) for url, each in claims.items()} == {
        TRACKER: (TRACKER, READ),
        VAULT: (VAULT, "vault:open"),
        WIKI: (WIKI, "wiki:read"),
    }
    assert len({each["sub"] for each in claims.values()}) == 1
    assert claims[TRACKER]["department"] == "IT"
    assert not {"department", "groups", "email"} & {*claims[VAULT], *claims[WIKI]}


# --- who is denied ---------------------------------------------------------------------------


def test_a_denied_user_reads_who_they_are_what_is_closed_and_whom_to_ask(client):
    page = denied(client, resource=VAULT)

    assert "You have no access to <bdi>Vault</bdi>" in words(page)
    assert "ada@example.com" in words(page)
    assert "Ask Northwind" in words(page)
    assert "vault:open" not in words(page)
    assert nothing_was_granted(client.deployment)
    event = client.deployment.last("authorization.not_allowed")
    assert (event["resource"], event["client_id"]) == (VAULT, client.client_id)
    assert event["email_verified"] is True
    assert "ada@example.com" not in json.dumps(client.deployment.events)


@pytest.mark.spec("RFC 6749", "4.1.2.1")
@pytest.mark.parametrize("uri", [LOOPBACK, WEB, APP])
def test_the_client_of_a_denied_user_is_told_access_denied_once_the_user_goes_back(deployment, uri):
    client, browser = McpClient(deployment, uri).register(), Browser(deployment)
    page = denied(client, browser, VAULT)

    answer = browser.submit(page, 1, decision="deny")

    assert response_of(answer) == {
        "error": "access_denied",
        "error_description": "The user may not use the resource in this way.",
        "state": "state-1",
        "iss": deployment.issuer,
    }
    assert (answer.status_code == 303) is (uri != APP)
    assert deployment.last("authorization.refused")["reason"] == "policy_denied"
    again = browser.submit(page, 1, decision="deny")
    assert again.status_code == 400
    assert nothing_was_granted(deployment)


def test_a_user_left_with_no_scope_at_all_is_denied(client):
    page = denied(client, scope=f"{WRITE} openid offline_access")
    assert "for what <bdi>Test client</bdi> asks" in words(page)


def test_an_address_that_is_not_verified_never_matches(client, idp):
    describe(idp, "devs", email_verified=False)
    denied(client)
    idp.claims = {"email": "ada@elsewhere.example"}
    denied(client)


def test_a_denied_user_may_go_on_with_another_account(client, idp):
    browser = Browser(client.deployment)
    page = denied(client, browser, VAULT)

    sign_in = browser.submit(page, 0, decision="switch")
    assert is_sign_in_page(sign_in)
    describe(idp, "admins")
    consent = browser.sign_in(sign_in, "user-2")

    answer = decide(browser, consent, "approve")
    assert client.redeem(response_of(answer)["code"], resource=VAULT).status_code == 200


def test_no_form_of_the_page_that_says_no_approves(client):
    browser = Browser(client.deployment)
    page = denied(client, browser, VAULT)

    answer = browser.submit(page, 1, decision="approve", scope=["vault:open"])

    assert answer.status_code == 403
    assert nothing_was_granted(client.deployment)
    without_token = browser.submit(page, 1, decision="deny", csrf_token=None)
    assert "cannot be continued" in words(without_token)


def test_who_is_denied_while_the_page_is_open_approves_nothing(client, deployment, idp):
    describe(idp, "admins")
    browser = Browser(deployment)
    page = consent_page(client, browser, resource=VAULT)
    sign_in_again(deployment)
    grants = count(deployment, "codes")

    answer = decide(browser, page, "approve")

    assert answer.status_code == 403
    assert "You have no access" in words(answer)
    assert count(deployment, "codes") == grants


@pytest.mark.spec("OpenID Connect Core", "3.1.2.6")
def test_without_a_page_to_show_the_client_is_told_at_once(client):
    browser = Browser(client.deployment)
    denied(client, browser, VAULT)
    answer = browser.get(client.authorize_url(resource=VAULT, prompt="none"))
    assert response_of(answer)["error"] == "access_denied"


# --- what is remembered ----------------------------------------------------------------------


def test_memory_answers_with_what_is_still_allowed_and_asks_for_what_is_new(deployment, idp):
    client, browser = registered(deployment, WEB, assured=True), Browser(deployment)
    describe(idp, "devs")
    assert connect(client, browser=browser)["scope"] == f"{READ} {WRITE}"

    sign_in_again(deployment)
    answer = browser.get(client.authorize_url(resource=TRACKER))
    less = client.redeem(response_of(answer)["code"], resource=TRACKER).json

    assert less["scope"] == READ
    assert deployment.last("consent.remembered")["scope"] == READ


def test_what_a_user_was_not_offered_is_not_remembered_as_allowed(deployment, idp):
    client, browser = registered(deployment, WEB, assured=True), Browser(deployment)
    assert connect(client, browser=browser)["scope"] == READ
    assert "code" in response_of(browser.get(client.authorize_url(resource=TRACKER)))

    sign_in_again(deployment, "devs")
    page = browser.get(client.authorize_url(resource=TRACKER))

    assert is_consent_page(page)
    assert "Change it" in words(page)
    assert "You have allowed this before" not in words(page)


def test_memory_opens_nothing_for_whom_the_policy_denies(deployment, idp):
    client, browser = registered(deployment, WEB, assured=True), Browser(deployment)
    describe(idp, "admins")
    connect(client, VAULT, browser)

    sign_in_again(deployment)

    denied(client, browser, VAULT)


# --- at the token endpoint -------------------------------------------------------------------


@pytest.mark.spec("OAuth 2.1", "4.3.1")
def test_a_group_lost_at_the_next_login_narrows_the_next_refresh_and_comes_back_with_it(
    client, deployment, idp
):
    describe(idp, "devs")
    tokens = connect(client)

    sign_in_again(deployment)
    less = refresh(client, tokens).json
    sign_in_again(deployment, "devs")
    again = refresh(client, less).json

    assert less["scope"] == claims_of(less["access_token"])["scope"] == READ
    assert claims_of(less["access_token"])["groups"] == []
    assert again["scope"] == f"{READ} {WRITE}"
    assert claims_of(again["access_token"])["groups"] == ["devs"]


def test_a_refresh_never_gives_more_than_was_approved(client, deployment):
    tokens = connect(client)
    sign_in_again(deployment, "devs")
    assert refresh(client, tokens).json["scope"] == READ


@pytest.mark.spec("RFC 6749", "6")
def test_a_client_that_names_its_old_scope_gets_what_is_left_of_it(client, deployment, idp):
    describe(idp, "devs")
    tokens = connect(client)
    sign_in_again(deployment)

    only_lost = refresh(client, tokens, scope=WRITE)
    both = refresh(client, tokens, scope=f"{READ} {WRITE}")

    assert (only_lost.status_code, only_lost.json["error"]) == (400, "invalid_scope")
    assert (both.status_code, both.json["scope"]) == (200, READ)


def test_a_user_denied_since_refreshes_nothing_and_nothing_is_spent(client, deployment):
    tokens = connect(client)
    sign_in_again(deployment, email="ada@elsewhere.example")

    refused = [refresh(client, tokens) for _ in range(2)]
    sign_in_again(deployment)
    deployment.wait(120)  # past the time in which a spent token is answered again

    assert [(each.status_code, each.json["error"]) for each in refused] == [
        (400, "invalid_grant")
    ] * 2
    assert deployment.last("token.issued")
    reasons = [each.get("reason") for each in deployment.events if each["event"] != "token.issued"]
    assert "policy_denied" in reasons
    assert refresh(client, tokens).status_code == 200


def test_a_user_denied_between_code_and_token_gets_none_and_the_code_is_not_spent(
    client, deployment
):
    code = client.code(resource=TRACKER)
    sign_in_again(deployment, email_verified=False)

    refused = client.redeem(code, resource=TRACKER)
    sign_in_again(deployment)

    assert (refused.status_code, refused.json["error"]) == (400, "invalid_grant")
    assert client.redeem(code, resource=TRACKER).status_code == 200


def test_a_scope_lost_between_code_and_token_is_not_in_the_token(client, deployment, idp):
    describe(idp, "devs")
    code = client.code(resource=TRACKER)
    sign_in_again(deployment)
    assert client.redeem(code, resource=TRACKER).json["scope"] == READ


@pytest.mark.parametrize(
    ("changed", "scope"),
    [
        ({"devs": 'groups = ["admins"]'}, READ),
        ({"devs": 'subjects = ["user-1"]'}, f"{READ} {WRITE}"),
        ({"staff": 'claims = { department = ["it"] }'}, None),
        ({"staff": 'claims = { department = ["it", "rd"] }'}, f"{READ} {WRITE}"),
    ],
)
def test_changed_rules_hold_from_the_next_refresh_without_another_consent(
    client, start, idp, changed, scope
):
    describe(idp, "devs", department="rd")
    tokens = connect(client)

    client.deployment = start(**changed)
    answer = refresh(client, tokens)

    assert answer.json.get("scope") == scope
    assert answer.status_code == (200 if scope else 400)


@pytest.mark.parametrize("resource", [TRACKER, WIKI])
def test_a_user_who_is_gone_refreshes_and_redeems_nothing(client, deployment, resource):
    tokens, code = connect(client, resource), client.code(resource=resource)
    engine = create_engine(deployment.settings.database_url)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM users"))
    engine.dispose()

    for answer in (
        refresh(client, tokens, resource=resource),
        client.redeem(code, resource=resource),
    ):
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant")
        assert deployment.events[-1]["reason"] == "user_gone"


# --- in the tokens ---------------------------------------------------------------------------


@pytest.mark.spec("RFC 9068", "2.2.3.1")
def test_a_token_carries_the_claims_that_its_resource_asks_for(client, idp):
    describe(idp, "devs", "ops", department=["rd", "it"], phone_number="+1", scope="all")
    tokens = connect(client)

    plain = claims_of(connect(client, WIKI)["access_token"])
    claims = claims_of(tokens["access_token"])

    assert {name: claims[name] for name in set(claims) - set(plain)} == {
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "groups": ["devs", "ops"],
        "department": ["rd", "it"],
    }
    assert claims["scope"] == f"{READ} {WRITE}"


def test_a_token_never_carries_an_address_that_is_not_verified(start, idp):
    everybody = start(staff='claims = { department = ["rd"] }')
    describe(idp, email_verified=False, department="rd")
    claims = claims_of(connect(McpClient(everybody).register())["access_token"])
    assert "email" not in claims
    assert claims["department"] == "rd"


def test_claims_that_would_make_a_token_too_long_are_left_out_and_audited(client, idp):
    describe(idp, *(f"group-{number:05}" for number in range(MAX_BYTES // 10)), department="rd")
    tokens = connect(client)
    claims = claims_of(tokens["access_token"])
    assert "groups" not in claims
    assert claims["department"] == "rd"
    assert client.deployment.last("token.issued")["claims_omitted"] == "groups"
    assert len(tokens["access_token"]) < 8192


def test_an_empty_table_of_rules_does_not_start(tmp_path, idp, sqlite_url):
    path = write_config(tmp_path, sqlite_url, idp.issuer, more=rules(staff=""))
    with pytest.raises(Exception, match=r"resources\.tracker\.allow: admits nobody"):
        load(path)

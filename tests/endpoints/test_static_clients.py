"""Clients of the configuration through which users sign in: OAuth 2.1 §2.2"""

import pytest

from tests.actors import RESOURCE, Browser, Deployment, McpClient, claims_of, response_of
from tests.exchanging import SECRETS, WIKI, basic, form

CALLBACK = "https://app.example/callback"
APP = """
[clients.app]
name = "The App"
client_secrets = ["file:old-secret", "file:app-secret"]
grant_types = ["authorization_code", "refresh_token"]
redirect_uris = ["https://app.example/callback"]
targets = ["issues"]
scopes = {scopes}

[clients.editor]
token_endpoint_auth_method = "none"
grant_types = ["authorization_code", "refresh_token"]
redirect_uris = ["http://127.0.0.1/callback", "cursor://anysphere.cursor-mcp/oauth/callback"]
targets = ["issues", "wiki"]
scopes = ["issues:read", "issues:write"]
"""


@pytest.fixture
def start(sqlite_url, idp, tmp_path):
    (tmp_path / "old-secret").write_text("o" * 32)
    (tmp_path / "app-secret").write_text(SECRETS["chat"])

    def started(scopes='["issues:read"]', change=lambda text: text):
        more = change(APP.format(scopes=scopes))
        return Deployment.start(tmp_path, sqlite_url, idp, more=more)

    return started


@pytest.fixture
def app(start):
    return McpClient(start(), redirect_uri=CALLBACK, client_id="app")


def redeem(app, code, secret=SECRETS["chat"], **changes):
    params = app.code_params(code, **changes)
    return form(app.deployment, "/token", params, headers=basic("app", secret))


def refresh(app, token, secret=SECRETS["chat"]):
    params = {"grant_type": "refresh_token", "refresh_token": token, "resource": RESOURCE}
    return form(app.deployment, "/token", params, headers=basic("app", secret))


def test_users_sign_in_through_it_and_it_goes_on(app):
    tokens = redeem(app, app.code()).json
    claims = claims_of(tokens["access_token"])
    assert (claims["client_id"], claims["scope"]) == ("app", "issues:read")
    assert refresh(app, tokens["refresh_token"]).status_code == 200
    assert redeem(app, app.code(), "o" * 32).status_code == 200
    refused = redeem(app, app.code(), "wrong")
    assert (refused.status_code, refused.json["error"]) == (401, "invalid_client")


def test_who_set_it_up_is_shown_and_a_decision_is_remembered(app):
    browser = Browser(app.deployment)
    page = browser.sign_in(browser.get(app.authorize_url()))
    assert "The App" in page.text
    assert "Set up by" in page.text
    assert "Change" not in page.text
    browser.submit(page, 1, decision="approve")
    again = browser.get(app.authorize_url())
    assert again.headers["Location"].startswith(f"{CALLBACK}?code=")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"resource": WIKI}, "invalid_target"),
        ({"resource": "https://nowhere.example/mcp"}, "invalid_target"),
    ],
    ids=str,
)
def test_its_lists_are_the_limit(app, changes, error):
    answer = response_of(Browser(app.deployment).get(app.authorize_url(**changes)))
    assert answer["error"] == error


def test_scopes_beyond_its_list_are_left_out(app):
    code = app.code(scope="issues:read issues:write openid")
    assert redeem(app, code).json["scope"] == "issues:read openid"


def test_a_resource_of_which_it_may_have_no_scope_is_refused(start):
    editor = McpClient(start(), redirect_uri="http://127.0.0.1:5000/callback", client_id="editor")
    answer = response_of(Browser(editor.deployment).get(editor.authorize_url(resource=WIKI)))
    assert answer["error"] == "invalid_scope"


def test_an_application_without_a_secret_needs_pkce_and_its_redirect_uris(start):
    deployment = start()
    editor = McpClient(deployment, redirect_uri="http://127.0.0.1:5000/callback")
    editor.client_id = "editor"
    assert editor.connect()["access_token"]
    page = Browser(deployment).get(editor.authorize_url(redirect_uri=CALLBACK))
    assert page.status_code == 400
    no_challenge = editor.authorize_url(code_challenge=None, code_challenge_method=None)
    answer = response_of(Browser(deployment).get(no_challenge))
    assert answer["error"] == "invalid_request"


@pytest.mark.spec("RFC 9126", "6")
def test_an_operator_may_have_it_push_its_requests(start):
    pushes = "require_pushed_authorization_requests = true\n\n[clients.editor]"
    app = McpClient(
        start(change=lambda text: text.replace("[clients.editor]", pushes)),
        redirect_uri=CALLBACK,
        client_id="app",
    )
    answer = response_of(Browser(app.deployment).get(app.authorize_url()))
    assert answer["error"] == "invalid_request"
    headers = basic("app", SECRETS["chat"])
    pushed = form(app.deployment, "/par", app.authorize_params(), headers=headers)
    opened = app.authorize_url(request_uri=pushed.json["request_uri"])
    assert response_of(Browser(app.deployment).approve(opened))["code"]


def test_what_the_operator_takes_away_holds_at_once(app, start):
    tokens = redeem(app, app.code(scope="issues:read")).json
    app.deployment = start('["issues:write"]')
    narrowed = refresh(app, tokens["refresh_token"])
    assert (narrowed.status_code, narrowed.json["error"]) == (400, "invalid_grant")
    app.deployment = start(change=lambda text: text.replace('["issues"]', '["wiki"]', 1))
    assert refresh(app, tokens["refresh_token"]).json["error"] == "invalid_grant"
    app.deployment = start()
    assert refresh(app, tokens["refresh_token"]).status_code == 200


def test_it_may_do_only_what_it_is_listed_for(app):
    for grant_type in ("client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"):
        answer = form(
            app.deployment, "/token", {"grant_type": grant_type}, headers=basic("app", "o" * 32)
        )
        assert answer.json["error"] in ("unauthorized_client", "unsupported_grant_type")

"""From the MCP client to its token, with a plain OAuth 2.0 server in the place of an OpenID one."""

import re

import pytest

from authserver.settings import load
from tests.actors import Browser, Deployment, McpClient, claims_of, write_config
from tests.upstream.plain_server import PlainServer
from tests.upstream.spoiled_server import Spoiled

PLAIN = """[upstream]
preset = "github"
issuer = "{origin}/login/oauth"
authorization_endpoint = "{origin}/login/oauth/authorize"
token_endpoint = "{origin}/login/oauth/access_token"
userinfo_endpoint = "{origin}/user"
emails_endpoint = "{origin}/user/emails"
client_id = "{client_id}"
client_secret = "file:upstream-secret"

"""
STAFF = """
[resources.issues.allow]
email_domains = ["example.com"]
"""


@pytest.fixture
def idp():
    with PlainServer() as server:
        yield server


@pytest.fixture
def start(sqlite_url, idp, tmp_path):
    started = []

    def start(more=""):
        path = write_config(tmp_path, sqlite_url, idp.origin, more=more)
        plain = PLAIN.format(origin=idp.origin, client_id="mcp:auth server")
        text = re.sub(
            r"\[upstream\].*?(?=\[database\])", lambda _: plain, path.read_text(), flags=re.DOTALL
        )
        path.write_text(text)
        started.append(Deployment(load(path), idp))
        return started[-1]

    yield start
    for each in started:
        each.server.store.close()


def test_a_user_of_a_plain_server_gets_tokens_for_one_mcp_server(start):
    deployment = start()
    tokens = McpClient(deployment).register().connect()
    claims = claims_of(tokens["access_token"])
    assert claims["aud"] == "https://issues.example/mcp"
    with deployment.server.store.read() as reads:
        user = reads.user(claims["sub"])
    assert (user.upstream_issuer, user.upstream_subject) == (deployment.idp.issuer, "583231")
    assert (user.email, user.email_verified) == ("ada@example.com", True)


def test_the_same_number_is_the_same_user_under_any_login_name_or_address(start, idp):
    deployment = start()
    client = McpClient(deployment).register()
    first = claims_of(client.connect(Browser(deployment))["access_token"])["sub"]
    idp.user = {"login": "renamed", "name": "New Name"}
    idp.emails = [{"email": "new@example.com", "primary": True, "verified": True}]
    again = claims_of(client.connect(Browser(deployment))["access_token"])["sub"]
    idp.subject = "7"
    other = claims_of(client.connect(Browser(deployment))["access_token"])["sub"]
    assert first == again != other


def test_no_token_of_the_plain_server_is_kept_or_shown(start, tmp_path):
    deployment = start()
    tokens = McpClient(deployment).register().connect()
    assert "canary" not in repr(tokens) + repr(deployment.events)
    for path in tmp_path.glob("authserver.db*"):
        assert b"canary" not in path.read_bytes()


@pytest.mark.parametrize(
    ("path", "answer", "said"),
    [
        ("/user", Spoiled(401), "You could not be signed in"),
        ("/user", Spoiled(502, b"<html>"), "does not answer at the moment"),
        ("/user", Spoiled(200, b'{"id": null}'), "You could not be signed in"),
        (
            "/login/oauth/access_token",
            Spoiled(200, b'{"error": "bad_verification_code"}'),
            "You could not be signed in",
        ),
    ],
)
def test_what_the_plain_server_does_wrong_is_a_page_and_no_session(start, idp, path, answer, said):
    deployment = start()
    idp.spoiled[path] = answer
    browser = Browser(deployment)
    page = browser.sign_in(browser.get(McpClient(deployment).register().authorize_url()))
    assert page.request.path == "/sign-in"
    assert said in page.get_data(as_text=True)
    del idp.spoiled[path]
    assert "/consent" in browser.sign_in(page).request.path


def test_only_the_verified_primary_address_opens_a_resource(start, idp):
    deployment = start(STAFF)
    client = McpClient(deployment).register()
    assert client.connect(Browser(deployment))["access_token"]
    idp.emails = [{"email": "ada@example.com", "primary": True, "verified": False}]
    idp.user = {"email": "ada@example.com", "email_verified": True}
    page = Browser(deployment).approve(client.authorize_url())
    assert "code=" not in page.headers.get("Location", "")


def test_a_client_that_wants_a_recent_sign_in_is_not_told_a_time_that_nobody_knows(start):
    deployment = start()
    browser = Browser(deployment)
    page = browser.get(McpClient(deployment).register().authorize_url(max_age="60"))
    assert browser.sign_in(page).request.path == "/sign-in"
    assert deployment.last("sign_in.failed")["reason"] == "auth_time_unknown"

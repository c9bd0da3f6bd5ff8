"""create_app under a path prefix of another Flask application"""

import flask
import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from tests.actors import ISSUER, Browser, Deployment, McpClient, claims_of, forms_of, response_of

MOUNTED = f"{ISSUER}/auth"


@pytest.fixture
def mounted(sqlite_url, idp, tmp_path):
    """A deployment behind its host: every request goes to the host's Flask application."""
    deployment = Deployment.start(tmp_path, sqlite_url, idp, issuer=MOUNTED)
    host = flask.Flask("host")
    host.secret_key = "the host's own"
    host.testing = True

    @host.route("/")
    def index():
        flask.session["visits"] = flask.session.get("visits", 0) + 1
        return f"visit {flask.session['visits']}"

    dispatcher = DispatcherMiddleware(host.wsgi_app, {"/auth": deployment.app.wsgi_app})
    host.wsgi_app = dispatcher  # type: ignore[method-assign]
    deployment.app = host
    return deployment


def test_a_client_connects_through_the_host(mounted):
    tokens = McpClient(mounted).register().connect()

    assert claims_of(tokens["access_token"])["iss"] == MOUNTED


def test_every_redirect_leads_below_the_prefix_and_names_it_once(mounted):
    browser, client = Browser(mounted), McpClient(mounted).register()
    path = client.authorize_url().removeprefix(ISSUER)
    answer = browser.client.get(path, base_url=ISSUER)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"{MOUNTED}/sign-in?")

    page = browser.get(answer.headers["Location"])
    assert {form["action"] for form in forms_of(page)} == {f"{MOUNTED}/sign-in"}
    away = browser.submit(page, decision="continue")
    assert mounted.idp.origin in away.headers["Location"]
    assert "redirect_uri=https%3A%2F%2Fauth.example%2Fauth%2Fcallback" in away.headers["Location"]

    page = browser.come_back(mounted.idp.sign_in(away.headers["Location"]))
    assert page.request.path == "/auth/consent"
    assert response_of(browser.approve(client.authorize_url()))["iss"] == MOUNTED


def test_the_cookies_of_host_and_server_do_not_meet(mounted):
    browser, client = Browser(mounted), McpClient(mounted).register()
    assert browser.client.get("/", base_url=ISSUER).text == "visit 1"
    answer = browser.client.get(client.authorize_url().removeprefix(ISSUER), base_url=ISSUER)
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-authserver-")
    assert "Path=/;" in cookie  # what __Host- demands, so not /auth
    assert "Secure" in cookie
    client.code(browser)
    assert browser.client.get("/", base_url=ISSUER).text == "visit 2"


def test_a_form_from_elsewhere_is_refused_behind_a_prefix_too(mounted):
    browser, client = Browser(mounted), McpClient(mounted).register()
    page = browser.get(client.authorize_url())

    assert browser.submit(page, csrf_token="forged").status_code == 403
    assert Browser(mounted).submit(page, decision="continue").status_code == 403
    assert browser.submit(page, decision="continue").status_code == 303


@pytest.mark.parametrize("path", ["/auth", "/auth/", "/auth/token/", "/auth/nothing"])
def test_what_is_not_there_is_a_page_of_ours_and_no_redirect(mounted, path):
    answer = mounted.http().get(path)

    assert answer.status_code == 404
    assert "authserver" not in answer.headers.get("Location", "")
    assert "There is no such page" in answer.text


def test_beside_the_prefix_the_host_answers(mounted):
    assert mounted.http().get("/").text == "visit 1"
    for path in ("/authorize", "/authentic", "/.well-known/oauth-authorization-server"):
        assert "The requested URL was not found" in mounted.http().get(path).text, path


@pytest.mark.parametrize(
    "path", ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"]
)
def test_below_the_prefix_the_metadata_answers_to_get_head_and_options(mounted, path):
    http = mounted.http()
    document = http.get(f"/auth{path}")
    assert document.json["issuer"] == MOUNTED
    assert document.json["token_endpoint"] == f"{MOUNTED}/token"
    head = http.head(f"/auth{path}")
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["ETag"] == document.headers["ETag"]
    assert http.options(f"/auth{path}").status_code == 204


def test_a_wrong_method_is_405_behind_a_prefix_too(mounted):
    http = mounted.http()
    refused = http.get("/auth/token")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "POST, OPTIONS")
    refused = http.post("/auth/authorize")
    assert refused.status_code == 405
    assert "GET" in refused.headers["Allow"]


def test_a_prefix_that_is_not_the_issuers_path_serves_nothing(mounted, sqlite_url, idp, tmp_path):
    other = Deployment.start(tmp_path, sqlite_url, idp, issuer=MOUNTED)
    host = flask.Flask("host")
    host.wsgi_app = DispatcherMiddleware(  # type: ignore[method-assign]
        host.wsgi_app, {"/login": other.app.wsgi_app}
    )
    assert host.test_client().get("/login/jwks.json").status_code == 404
    assert host.test_client().get("/login/auth/jwks.json").status_code == 404

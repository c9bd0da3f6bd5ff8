"""What reviews of similar servers found: docs/expectations.md, RV-1 to RV-20"""

import pytest

from tests.actors import ISSUER, Browser, Deployment, McpClient, forms_of, response_of

METADATA = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")
LOOSE = """
[registration]
private_schemes = ["someapp"]
[rate_limits]
register_per_address = 0
[tokens]
access_token_lifetime = "1d"
"""


@pytest.fixture
def browser(deployment):
    return Browser(deployment)


def test_a_setting_that_is_loose_is_no_news_at_each_request(sqlite_url, idp, tmp_path, caplog):
    """What is static is said once, at the start of `serve`."""
    with Deployment.start(tmp_path, sqlite_url, idp, more=LOOSE) as deployment:
        caplog.clear()
        client = McpClient(deployment, redirect_uri="someapp://callback").register()
        for _ in range(3):
            client.refresh(client.connect()["refresh_token"])

    assert [record for record in caplog.records if record.name.startswith("authserver")] == []


def test_a_server_without_registration_shows_no_client_a_way_to_register(sqlite_url, idp, tmp_path):
    closed = "\n[registration]\nenabled = false\n[client_documents]\nenabled = false\n"
    with Deployment.start(tmp_path, sqlite_url, idp, more=closed) as deployment:
        http = deployment.http()
        documents = [http.get(path).json for path in METADATA]
        refused = http.post("/register", json={"redirect_uris": ["http://localhost/"]})

    assert not [name for each in documents for name in each if "registration_endpoint" in name]
    assert not [each for each in documents if each.get("client_id_metadata_document_supported")]
    assert refused.status_code == 404


def test_two_tabs_of_one_browser_authorize_two_clients_at_once(deployment, browser):
    first, second = (McpClient(deployment).register() for _ in range(2))
    pages = [browser.get(client.authorize_url()) for client in (first, second)]
    callbacks = []
    for page in pages:
        away = browser.submit(page, decision="continue").headers["Location"]
        callbacks.append(deployment.idp.sign_in(away))

    for client, callback in zip((second, first), reversed(callbacks), strict=True):
        answer = browser.submit(browser.come_back(callback), 1, decision="approve")
        assert client.redeem(response_of(answer)["code"]).status_code == 200


def test_a_callback_of_another_flow_consumes_neither(deployment, browser):
    client = McpClient(deployment).register()
    theirs = Browser(deployment)
    mine, other = (
        deployment.idp.sign_in(
            each.submit(each.get(client.authorize_url()), decision="continue").headers["Location"]
        )
        for each in (browser, theirs)
    )

    crossed = browser.come_back(other)

    assert crossed.status_code == 403
    assert browser.come_back(mine).status_code == 200
    assert theirs.come_back(other).status_code == 200


def test_a_callback_that_comes_twice_signs_in_once(deployment, browser):
    client = McpClient(deployment).register()
    page = browser.get(client.authorize_url())
    away = browser.submit(page, decision="continue").headers["Location"]
    callback = deployment.idp.sign_in(away)

    pages = [browser.come_back(callback) for _ in range(3)]

    assert {page.request.path for page in pages} == {"/consent"}
    assert len(deployment.idp.asked("/token")) == 1
    assert [each["event"] for each in deployment.events].count("sign_in.succeeded") == 1


def test_a_decision_counts_only_for_the_request_that_was_shown(deployment, browser):
    """Neither a form of another tab nor hidden fields of the form change what was asked."""
    client = McpClient(deployment).register()
    narrow = browser.sign_in(browser.get(client.authorize_url(scope="issues:read")))
    wide = browser.get(client.authorize_url(scope="issues:read issues:write"))
    of_wide = dict(forms_of(wide)[1]["fields"])["pending"]

    crossed = browser.submit(narrow, 1, pending=of_wide, decision="approve")
    widened = browser.submit(
        narrow, 1, scope=["issues:read", "issues:write", "wiki:read"], decision="approve"
    )

    assert crossed.status_code == 403
    assert client.redeem(response_of(widened)["code"]).json["scope"] == "issues:read"


def test_a_decision_of_a_user_who_left_does_not_count(deployment, browser):
    client = McpClient(deployment).register()
    old = browser.sign_in(browser.get(client.authorize_url()), "user-1")
    browser.sign_in(browser.submit(old, 0, decision="switch"), "user-2")

    stale = browser.submit(old, 1, decision="approve")

    assert stale.status_code == 403


def test_a_decision_that_was_made_is_not_made_again(deployment, browser):
    client = McpClient(deployment).register()
    page = browser.sign_in(browser.get(client.authorize_url()))

    first = browser.submit(page, 1, decision="deny")
    second = browser.submit(page, 1, decision="approve")

    assert response_of(first)["error"] == "access_denied"
    assert second.status_code == 400
    assert ISSUER not in second.headers.get("Location", "")

"""What MCP clients check when the browser comes back: docs/expectations.md, TB-5 to TB-8, TB-21"""

from urllib.parse import urlsplit

import pytest

from tests.actors import ISSUER, Browser, McpClient, links_of, response_of

WEB = "https://client.example/callback"
MISTAKES: dict[str, dict[str, str | None]] = {
    "unsupported_response_type": {"response_type": "token"},
    "invalid_request no type": {"response_type": None},
    "invalid_request no challenge": {"code_challenge": None},
    "invalid_request plain": {"code_challenge_method": "plain"},
    "invalid_request prompt": {"prompt": "create"},
    "invalid_request prompts": {"prompt": "none login"},
    "invalid_target": {"resource": "https://elsewhere.example/mcp"},
    "invalid_target none of two": {"resource": None},
    "login_required": {"prompt": "none"},
    "request_not_supported": {"request": "eyJhbGciOiJub25lIn0.e30."},
    "request_uri_not_supported": {"request_uri": "https://client.example/request"},
}


@pytest.mark.spec("RFC 8252", "7.3")
def test_a_pathless_loopback_redirect_uri_is_kept_as_it_came_and_works_on_another_port(deployment):
    client = McpClient(deployment, redirect_uri="http://localhost:17421").register()
    with deployment.server.store.read() as reads:
        assert reads.client(client.client_id).redirect_uris == ("http://localhost:17421",)

    client.redirect_uri = "http://localhost:17423"
    answer = Browser(deployment).approve(client.authorize_url())

    assert answer.headers["Location"].startswith("http://localhost:17423?code=")
    assert client.redeem(response_of(answer)["code"]).status_code == 200


def test_the_answer_fits_into_one_small_buffer(deployment):
    """A desktop client reads 4096 bytes once: what we add to its own state must be short."""
    client = McpClient(deployment, redirect_uri="http://localhost:17421").register()
    answer = Browser(deployment).approve(client.authorize_url(state="s" * 1000))

    assert len(response_of(answer)["code"]) <= 64
    assert len(answer.headers["Location"]) - 1000 < 400


@pytest.mark.spec("RFC 9207", "2")
@pytest.mark.parametrize("redirect_uri", ["http://127.0.0.1:3999/callback", WEB])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_every_error_that_reaches_a_client_carries_its_state_and_the_issuer(
    deployment, mistake, redirect_uri
):
    client = McpClient(deployment, redirect_uri=redirect_uri).register()
    page = Browser(deployment).get(client.authorize_url(state="s+/= &%", **MISTAKES[mistake]))

    answer = response_of(page)
    assert (answer["error"], answer["state"], answer["iss"]) == (
        mistake.partition(" ")[0], "s+/= &%", ISSUER,
    )  # fmt: skip
    # A stranger's client off this computer is never redirected to before the user decided.
    assert (page.status_code == 303) is (redirect_uri != WEB)


@pytest.mark.parametrize("redirect_uri", ["http://127.0.0.1:3999/callback", WEB, "cursor://mcp"])
@pytest.mark.parametrize("decision", ["approve", "deny", "cancel"])
def test_every_decision_of_the_user_carries_state_and_issuer(deployment, decision, redirect_uri):
    client = McpClient(deployment, redirect_uri=redirect_uri).register()
    browser = Browser(deployment)
    page = browser.get(client.authorize_url())
    if decision == "cancel":
        answer = browser.submit(page, decision="cancel")
    else:
        answer = browser.submit(browser.sign_in(page), 1, decision=decision)

    response = response_of(answer)
    assert (response["state"], response["iss"]) == ("state-1", ISSUER)
    assert response.get("error") == (None if decision == "approve" else "access_denied")


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        (None, "consent"),
        ("consent", "consent"),
        ("login", "sign-in"),
        ("select_account", "sign-in"),
    ],
)
def test_each_prompt_leads_a_signed_in_user_to_its_page(client, prompt, expected):
    browser = Browser(client.deployment)
    client.connect(browser)
    client.deployment.wait(1)

    page = browser.get(client.authorize_url(prompt=prompt))

    assert urlsplit(page.request.path).path == f"/{expected}"


@pytest.mark.parametrize("prompt", ["consent", "login", "select_account", "login consent"])
def test_a_prompt_for_consent_is_ours_and_never_the_upstreams(client, prompt):
    browser = Browser(client.deployment)
    page = browser.get(client.authorize_url(prompt=prompt))
    away = browser.submit(page, decision="continue").headers["Location"]

    query = urlsplit(away).query
    assert "consent" not in query
    assert ("prompt=" in query) is (prompt != "consent")


def test_silent_requests_are_answered_without_a_page(client):
    browser = Browser(client.deployment)
    client.connect(browser)

    answer = response_of(browser.get(client.authorize_url(prompt="none")))

    assert answer["error"] == "consent_required"


def test_only_one_link_leads_to_a_stranger_who_asked_badly(deployment):
    client = McpClient(deployment, redirect_uri=WEB).register()
    page = Browser(deployment).get(client.authorize_url(resource="https://elsewhere.example/mcp"))

    assert page.status_code == 400
    assert [link for link in links_of(page) if link.startswith("https://client.example/")]
    assert len(links_of(page)) == 1

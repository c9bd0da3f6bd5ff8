"""Cases 19, 20 and 23: where an error may go before the user has decided anything"""

import pytest

from authserver.oauth.client import Client
from tests.actors import ISSUER, LOOPBACK, Browser, McpClient, response_of
from tests.attacks.outcomes import is_back, is_page_with_a_link_back
from tests.attacks.visiting import decide

WEB = "https://app.example/cb"


@pytest.fixture
def browser(deployment):
    return Browser(deployment)


@pytest.fixture
def local(deployment):
    return McpClient(deployment).register()


@pytest.fixture
def stranger(deployment):
    return McpClient(deployment, WEB).register()


@pytest.fixture
def assured(deployment):
    """A client that the operator registered, reached by https."""
    known = Client(client_id="known", redirect_uris=(WEB,), client_name="Known", preregistered=True)
    with deployment.server.store.write() as tx:
        tx.add_client(known)
    return McpClient(deployment, WEB, client_id="known")


WRONG = [
    ({"scope": 'issues:read "'}, "invalid_scope"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"resource": "https://other.example/"}, "invalid_target"),
    ({"code_challenge": None}, "invalid_request"),
]


@pytest.mark.spec("OAuth 2.1", "7.13.2")
@pytest.mark.parametrize(("changes", "error"), WRONG)
def test_019_a_strangers_wrong_request_redirects_nobody_on_its_own(
    browser, stranger, changes, error
):
    answer = browser.get(stranger.authorize_url(**changes))

    assert is_page_with_a_link_back(answer, error, WEB)


@pytest.mark.spec("RFC 9700", "4.11.2")
@pytest.mark.parametrize(("changes", "error"), WRONG)
def test_019_a_strangers_wrong_request_redirects_nobody_who_is_signed_in(
    browser, stranger, changes, error
):
    stranger.connect(browser)

    answer = browser.get(stranger.authorize_url(**changes))

    assert is_page_with_a_link_back(answer, error, WEB)


def test_019_an_app_is_never_opened_by_a_wrong_request(deployment, browser):
    app = McpClient(deployment, "cursor://anysphere.cursor-mcp/oauth/callback").register()

    answer = browser.get(app.authorize_url(scope='"'))

    assert is_page_with_a_link_back(answer, "invalid_scope", "cursor://anysphere.cursor-mcp/")


@pytest.mark.parametrize(("changes", "error"), WRONG)
def test_019_an_assured_client_and_one_on_this_computer_get_the_redirect(
    browser, assured, local, changes, error
):
    assert is_back(browser.get(assured.authorize_url(**changes)), error, WEB)
    assert is_back(browser.get(local.authorize_url(**changes)), error, LOOPBACK)


@pytest.mark.spec("OAuth 2.1", "7.13.2")
def test_020_prompt_none_redirects_nobody_to_a_stranger(browser, stranger):
    first = browser.get(stranger.authorize_url(prompt="none"))
    McpClient(stranger.deployment).register().connect(browser)
    signed_in = browser.get(stranger.authorize_url(prompt="none"))

    assert is_page_with_a_link_back(first, "login_required", WEB)
    assert is_page_with_a_link_back(signed_in, "consent_required", WEB)


def test_020_prompt_none_redirects_where_this_user_consented_to_the_very_request(browser, stranger):
    stranger.connect(browser, scope="issues:read")

    same = browser.get(stranger.authorize_url(prompt="none", scope="issues:read"))
    more = browser.get(stranger.authorize_url(prompt="none"))
    elsewhere = Browser(stranger.deployment).get(
        stranger.authorize_url(prompt="none", scope="issues:read")
    )

    assert is_back(same, "consent_required", WEB)
    assert is_page_with_a_link_back(more, "consent_required", WEB)
    assert is_page_with_a_link_back(elsewhere, "login_required", WEB)


@pytest.mark.spec("RFC 9207", "2.3")
def test_023_every_answer_carries_iss_and_the_metadata_promises_it(browser, local, stranger):
    metadata = local.deployment.http().get("/.well-known/oauth-authorization-server").json
    answers = [
        browser.get(local.authorize_url(prompt="none")),
        browser.submit(browser.get(local.authorize_url()), decision="cancel"),
        browser.approve(local.authorize_url()),
        browser.get(local.authorize_url(prompt="none")),
        browser.get(local.authorize_url(resource="x")),
        browser.get(stranger.authorize_url(resource="x")),
        decide(browser, browser.get(local.authorize_url()), "deny", follow=False),
    ]

    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert {response_of(each)["iss"] for each in answers} == {ISSUER} == {metadata["issuer"]}
    assert {response_of(each)["state"] for each in answers} == {"state-1"}
    assert len({response_of(each).get("error") for each in answers}) == 5

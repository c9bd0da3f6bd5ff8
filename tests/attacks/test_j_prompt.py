"""Case 160: what a client may demand of the sign-in, from the request to the token"""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.actors import LOOPBACK, Browser, McpClient, claims_of, response_of
from tests.attacks.outcomes import is_back, is_page_with_a_link_back
from tests.attacks.visiting import (
    callback,
    consent_page,
    count,
    decide,
    is_consent_page,
    is_sign_in_page,
    registered,
    sign_in_page,
    upstream_url,
)

WEB = "https://app.example/cb"


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


@pytest.fixture
def browser(deployment):
    return Browser(deployment)


def _asked(door):
    return {name: values[0] for name, values in parse_qs(urlsplit(door).query).items()}


@pytest.mark.spec("OpenID Connect Core", "3.1.2.1")
def test_160_none_without_a_session_is_login_required_and_nobody_goes_upstream(client, browser):
    answer = browser.get(client.authorize_url(prompt="none"))

    assert is_back(answer, "login_required", LOOPBACK)
    assert count(client.deployment, "upstream_logins") == 0


def test_160_none_for_a_stranger_leads_nowhere_by_itself(deployment, browser):
    client = registered(deployment, WEB)

    answer = browser.get(client.authorize_url(prompt="none"))

    assert is_page_with_a_link_back(answer, "login_required", WEB)


@pytest.mark.spec("OpenID Connect Core", "3.1.2.1")
def test_160_none_without_a_consent_is_consent_required(client, browser):
    consent_page(client, browser)

    answer = browser.get(client.authorize_url(prompt="none"))

    assert is_back(answer, "consent_required", LOOPBACK)
    assert count(client.deployment, "codes") == 0


def test_160_none_without_a_consent_leads_a_visitor_to_no_strangers_site(deployment, browser):
    client = registered(deployment, WEB)
    consent_page(client, browser)

    answer = browser.get(client.authorize_url(prompt="none"))

    assert is_page_with_a_link_back(answer, "consent_required", WEB)


@pytest.mark.parametrize("assured", [False, True])
def test_160_none_after_a_consent_is_answered_only_for_an_assured_client(
    deployment, browser, assured
):
    client = registered(deployment, WEB, assured=assured)
    decide(browser, consent_page(client, browser), "approve")

    answer = browser.get(client.authorize_url(prompt="none"))

    if assured:
        assert client.redeem(response_of(answer)["code"]).status_code == 200
    else:
        assert is_back(answer, "consent_required", WEB)


@pytest.mark.parametrize("assured", [False, True])
def test_160_none_never_shows_a_page_even_as_the_session_ends(deployment, browser, assured):
    client = registered(deployment, WEB, assured=assured)
    decide(browser, consent_page(client, browser), "approve")
    deployment.wait(3600)

    answer = browser.get(client.authorize_url(prompt="none"))

    if assured:
        assert is_back(answer, "login_required", WEB)
    else:
        assert is_page_with_a_link_back(answer, "login_required", WEB)


@pytest.mark.spec("OpenID Connect Core", "3.1.2.6")
@pytest.mark.parametrize(
    "prompt", ["none login", "consent none", "none none none x", "create", "NONE", "login,consent"]
)
def test_160_what_makes_no_sense_is_invalid_request(client, browser, prompt):
    answer = browser.get(client.authorize_url(prompt=prompt))

    assert is_back(answer, "invalid_request", LOOPBACK)


@pytest.mark.spec("OpenID Connect Core", "3.1.2.1")
@pytest.mark.parametrize(
    ("prompt", "upstream"),
    [("login", "login"), ("select_account", "select_account"), ("login consent", "login"),
     ("login select_account", "login"), ("consent select_account", "select_account")],
)  # fmt: skip
def test_160_a_new_sign_in_is_made_where_it_is_asked_and_passed_on(
    client, browser, prompt, upstream
):
    consent_page(client, browser)
    client.deployment.wait(100)

    door = upstream_url(client, browser, prompt=prompt)
    page = browser.come_back(client.deployment.idp.sign_in(door))
    code = response_of(decide(browser, page, "approve"))["code"]

    assert _asked(door)["prompt"] == upstream
    issued = claims_of(client.redeem(code).json["access_token"])
    assert issued["auth_time"] == client.deployment.clock.now - 5


def test_160_consent_is_ours_to_ask_and_never_passed_on(client, browser):
    door = upstream_url(client, browser, prompt="consent")
    assert "prompt" not in _asked(door)


@pytest.mark.parametrize("prompt", ["login", "select_account"])
def test_160_a_demand_for_a_new_sign_in_holds_at_every_page_until_it_is_made(
    client, browser, prompt
):
    consent_page(client, browser)
    client.deployment.wait(1)
    page = sign_in_page(client, browser, prompt=prompt)
    pending = dict(page.request.args)["pending"]

    assert is_sign_in_page(browser.get(f"/consent?pending={pending}"))
    assert is_consent_page(browser.sign_in(page))
    assert is_consent_page(browser.get(f"/sign-in?pending={pending}"))


@pytest.mark.spec("OpenID Connect Core", "3.1.2.1")
@pytest.mark.parametrize("auth_time_before", [61, 3600])
def test_160_a_provider_that_did_not_sign_in_anew_is_not_believed(
    client, browser, auth_time_before
):
    """It was asked with prompt=login and says itself that the sign-in is older."""
    honest = callback(client, browser, prompt="login")
    now = client.deployment.clock.now
    client.deployment.idp.claims = {"auth_time": now - auth_time_before}

    assert is_sign_in_page(browser.come_back(honest))

    assert client.deployment.last("sign_in.failed")["reason"] == "id_token_auth_time"
    assert count(client.deployment, "sessions") == 0


@pytest.mark.spec("OpenID Connect Core", "3.1.2.1")
@pytest.mark.parametrize(
    ("max_age", "waited", "again"), [(100, 94, False), (100, 96, True), (0, 1, True)]
)
def test_160_max_age_counts_from_the_upstreams_sign_in(client, browser, max_age, waited, again):
    consent_page(client, browser)
    client.deployment.wait(waited)

    page = browser.get(client.authorize_url(max_age=max_age))

    assert is_sign_in_page(page) is again
    if again:
        away = browser.submit(page, decision="continue").headers["Location"]
        assert _asked(away)["max_age"] == str(max_age)
        assert is_consent_page(browser.come_back(client.deployment.idp.sign_in(away)))


@pytest.mark.parametrize("auth_time", [None, -1000, 1000])
def test_160_an_upstream_that_ignores_max_age_signs_nobody_in(client, browser, auth_time):
    from tests.upstream.hostile_idp import ABSENT

    honest = callback(client, browser, max_age=60)
    now = client.deployment.clock.now
    moment = ABSENT if auth_time is None else now + auth_time
    client.deployment.idp.claims = {"auth_time": moment}

    assert is_sign_in_page(browser.come_back(honest))
    assert count(client.deployment, "sessions") == 0


@pytest.mark.parametrize("max_age", ["-1", "x", "1.5", "1e3", "9" * 30, "٣", " 1"])
def test_160_a_max_age_that_is_no_number_is_invalid_request(client, browser, max_age):
    answer = browser.get(client.authorize_url(max_age=max_age))

    assert is_back(answer, "invalid_request", LOOPBACK)


def test_160_none_with_max_age_is_login_required_once_it_is_past(client, browser):
    consent_page(client, browser)
    client.deployment.wait(200)

    answer = browser.get(client.authorize_url(prompt="none", max_age=100))

    assert is_back(answer, "login_required", LOOPBACK)


def test_160_a_login_hint_is_passed_on_as_it_is(client, browser):
    hint = 'ada&prompt=none"<b>é'

    door = upstream_url(client, browser, login_hint=hint)

    assert _asked(door)["login_hint"] == hint
    assert "prompt" not in _asked(door)

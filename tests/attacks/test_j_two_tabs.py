"""Case 140: two tabs, reloads, the back button, double clicks: nothing breaks, nothing doubles"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.actors import Browser, McpClient, response_of
from tests.attacks.outcomes import is_page
from tests.attacks.visiting import (
    callback,
    consent_page,
    count,
    decide,
    fields_of,
    is_consent_page,
    is_sign_in_page,
    sign_in_page,
    upstream_url,
)


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


@pytest.fixture
def browser(deployment):
    return Browser(deployment)


def _is_approved(client, answer, state):
    members = response_of(answer)
    tokens = client.redeem(members["code"])
    return members["state"] == state and tokens.status_code == 200


def test_140_two_tabs_at_the_sign_in_both_come_to_their_own_end(client, browser):
    first = sign_in_page(client, browser, state="one")
    second = sign_in_page(client, browser, state="two")

    one = browser.sign_in(first)
    two = browser.submit(second, decision="continue")

    assert is_consent_page(one)
    assert is_consent_page(two)
    assert _is_approved(client, decide(browser, two, "approve"), "two")
    assert _is_approved(client, decide(browser, one, "approve"), "one")


def test_140_two_first_requests_at_once_of_a_browser_without_a_cookie_both_go_on(client, browser):
    deployment = client.deployment
    answers = [deployment.http().get(client.authorize_url(state=s)) for s in ("one", "two")]
    for answer in answers:  # each was sent before the other's cookie came back
        for cookie in answer.headers.getlist("Set-Cookie"):
            name, value = cookie.partition(";")[0].split("=", 1)
            browser.client.set_cookie(name, value, domain="auth.example", secure=True)

    for answer, state in zip(answers, ("one", "two"), strict=True):
        page = browser.get(answer.headers["Location"])
        page = browser.sign_in(page) if is_sign_in_page(page) else page
        assert _is_approved(client, decide(browser, page, "approve"), state)


def test_140_two_tabs_at_the_provider_both_come_to_their_own_end(client, browser):
    doors = [upstream_url(client, browser, state=state) for state in ("one", "two")]

    pages = [browser.come_back(client.deployment.idp.sign_in(door)) for door in doors]

    for page, state in zip(pages, ("one", "two"), strict=True):
        assert _is_approved(client, decide(browser, page, "approve"), state)


def test_140_a_page_that_addresses_one_user_decides_nothing_for_another(client, browser):
    adas = callback(client, browser, "ada", state="one")
    bobs = callback(client, browser, "bob", state="two")
    one, two = browser.come_back(adas), browser.come_back(bobs)

    for decision in ("approve", "deny", "switch"):
        assert is_page(decide(browser, one, decision), 403)

    assert count(client.deployment, "codes") == 0
    assert _is_approved(client, decide(browser, two, "approve"), "two")
    again = browser.get(f"/consent?pending={fields_of(one)['pending']}")
    assert "bob" in again.get_data(as_text=True)


def test_140_a_tab_whose_session_ended_elsewhere_signs_in_again_and_goes_on(client, browser):
    one, two = (consent_page(client, browser, state=state) for state in ("one", "two"))
    switched = decide(browser, two, "switch")

    again = decide(browser, one, "approve")

    assert is_sign_in_page(switched)
    assert is_sign_in_page(again)
    assert count(client.deployment, "codes") == 0
    page = browser.sign_in(again, "bob")
    assert _is_approved(client, decide(browser, page, "approve"), "one")
    assert is_consent_page(browser.get(f"/sign-in?pending={fields_of(switched)['pending']}"))


@pytest.mark.parametrize("times", [2, 5])
def test_140_every_page_may_be_loaded_again(client, browser, times):
    url = client.authorize_url()
    page = [browser.get(url) for _ in range(times)][-1]
    sign_in = f"/sign-in?pending={fields_of(page)['pending']}"
    page = [browser.get(sign_in) for _ in range(times)][-1]
    page = browser.sign_in(page)
    consent = f"/consent?pending={fields_of(page)['pending']}"
    page = [browser.get(consent) for _ in range(times)][-1]

    assert _is_approved(client, decide(browser, page, "approve"), "state-1")


def test_140_the_back_button_leads_to_where_the_request_stands(client, browser):
    before = sign_in_page(client, browser)
    page = browser.sign_in(before)
    sign_in = f"/sign-in?pending={fields_of(before)['pending']}"

    assert is_consent_page(browser.get(sign_in))
    assert is_consent_page(browser.submit(before, decision="continue"))
    approved = decide(browser, page, "approve")
    for url in (sign_in, f"/consent?pending={fields_of(page)['pending']}"):
        assert is_page(browser.get(url))
    for pressed in ("continue", "cancel"):
        assert is_page(browser.submit(before, decision=pressed))

    assert _is_approved(client, approved, "state-1")


def test_140_the_way_back_from_the_provider_by_the_back_button_starts_again(client, browser):
    page = sign_in_page(client, browser)
    doors = [browser.submit(page, decision="continue").headers["Location"] for _ in range(2)]

    first = browser.come_back(client.deployment.idp.sign_in(doors[0]))
    second = browser.come_back(client.deployment.idp.sign_in(doors[1]))

    assert is_consent_page(first)
    assert is_consent_page(second)
    assert _is_approved(client, decide(browser, first, "approve"), "state-1")
    assert is_page(decide(browser, second, "approve"))


@pytest.mark.parametrize("then", ["approve", "deny"])
@pytest.mark.parametrize("first", ["approve", "deny"])
def test_140_a_form_that_is_posted_twice_decides_once(client, browser, first, then):
    page = consent_page(client, browser)

    answer = decide(browser, page, first)
    again = decide(browser, page, then)

    assert is_page(again)
    assert ("code" in response_of(answer)) == (first == "approve")
    assert count(client.deployment, "codes") == (1 if first == "approve" else 0)


def test_140_of_many_posts_at_once_one_gets_the_code(client, browser):
    page = consent_page(client, browser)
    browsers = [Browser(client.deployment) for _ in range(8)]
    for each in browsers:
        each.client._cookies = dict(browser.client._cookies)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda each: decide(each, page, "approve"), browsers))

    assert sorted(answer.status_code for answer in answers) == [303] + [400] * 7
    assert count(client.deployment, "codes") == 1


def test_140_of_many_callbacks_at_once_one_redeems_the_code(client, browser):
    honest = callback(client, browser)
    browsers = [Browser(client.deployment) for _ in range(6)]
    for each in browsers:
        each.client._cookies = dict(browser.client._cookies)

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda each: each.come_back(honest), browsers))

    assert sorted(is_consent_page(answer) for answer in answers) == [False] * 5 + [True]
    assert len(client.deployment.idp.asked("/token")) == 1
    assert count(client.deployment, "sessions") == 1

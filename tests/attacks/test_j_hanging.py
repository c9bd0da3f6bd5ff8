"""Case 157: an identity provider that accepts and never answers takes half the threads at most"""

from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from itertools import islice

import pytest

from authserver.settings import RateLimits
from tests.actors import Browser, Deployment, McpClient
from tests.attacks.visiting import callback, sign_in_page

PRESSES = 40
MAY_WAIT = 4


@pytest.fixture
def unlimited(deployment):
    upstream = replace(deployment.settings.upstream, request_timeout=30.0)
    settings = replace(
        deployment.settings, upstream=upstream, rate_limits=RateLimits(authorize_per_address=0)
    )
    with Deployment(settings, deployment.idp) as started:
        yield started


def press_all(deployment, presses):
    """Press the button in so many browsers at once; return who is told before any is answered."""
    client = McpClient(deployment).register()
    browsers = [Browser(deployment) for _ in range(presses)]
    pages = [sign_in_page(client, browser) for browser in browsers]
    deployment.idp.answering.clear()
    with ThreadPoolExecutor(presses) as threads:
        pressed = {
            threads.submit(browser.submit, page, decision="continue", follow=False): browser
            for browser, page in zip(browsers, pages, strict=True)
        }
        told = list(islice(as_completed(pressed, 20), presses - MAY_WAIT))
        waited = [each for each in pressed if not each.done()]
        deployment.idp.answering.set()
    return [(pressed[each], each.result()) for each in told], [each.result() for each in waited]


def test_157_while_the_provider_hangs_all_but_a_few_are_told_at_once(unlimited):
    told, waited = press_all(unlimited, PRESSES)

    assert {answer.status_code for _, answer in told} == {503}
    assert all("does not answer at the moment" in answer.text for _, answer in told)
    assert [answer.status_code for answer in waited] == [303] * MAY_WAIT
    assert unlimited.last("sign_in.failed")["reason"] == "upstream_unavailable"


def test_157_whoever_was_told_so_can_try_again(unlimited):
    [(browser, page)], _ = press_all(unlimited, MAY_WAIT + 1)

    assert browser.submit(page, decision="continue", follow=False).status_code == 303


@pytest.mark.parametrize("step", ["press", "return"])
def test_157_an_address_goes_to_the_provider_and_back_so_often_in_a_minute(deployment, step):
    client, browser = McpClient(deployment).register(), Browser(deployment)
    page, returned = sign_in_page(client, browser), callback(client, browser)
    for _ in range(deployment.settings.rate_limits.authorize_per_address - 1):
        deployment.server.limiter.check_sign_in("127.0.0.1", step)
    if step == "return":
        deployment.server.limiter.check_sign_in("127.0.0.1", step)
    asked = len(deployment.idp.seen)

    if step == "press":
        answer = browser.submit(page, decision="continue", follow=False)
    else:
        answer = browser.come_back(returned)

    assert answer.status_code == 429
    assert answer.headers["Retry-After"]
    assert len(deployment.idp.seen) == asked

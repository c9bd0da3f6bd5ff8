"""Case 203: what exists and what does not look the same

/authorize does tell an unknown client: its user has to connect anew, and ids are 256 random bits.
"""

import re

import pytest

from tests.actors import ISSUER, RESOURCE, Browser, McpClient
from tests.attacks.visiting import sign_in_page


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


def _seen(answer):
    """Return all that can be seen of an answer, but for what is new in each."""
    once = {"Date", "X-Request-Id", "Set-Cookie", "Content-Security-Policy"}
    text = answer.get_data(as_text=True)
    text = re.sub(r'nonce="[^"]+"|<code>[0-9a-f]{16}</code>|value="[\w-]{40,}"', "", text)
    headers = sorted(pair for pair in answer.headers if pair[0] not in {*once, "Content-Length"})
    return answer.status_code, headers, text


def test_203_an_unknown_client_looks_like_one_with_a_wrong_secret(deployment):
    asked = {"token_endpoint_auth_method": "client_secret_post"}
    known = McpClient(deployment, metadata=asked).register()
    body = {"grant_type": "refresh_token", "refresh_token": "x", "client_secret": "wrong"}
    http = deployment.http()

    answers = [
        http.post("/token", data={**body, "client_id": each})
        for each in (known.client_id, "mcp-" + "A" * 43, "unknown", "'")
    ]
    basic = [http.post("/token", data={"grant_type": "x"}, auth=(each, "wrong"))
             for each in (known.client_id, "mcp-" + "A" * 43)]  # fmt: skip

    assert answers[0].status_code == 401
    assert all(_seen(each) == _seen(answers[0]) for each in answers)
    assert _seen(basic[0]) == _seen(basic[1])


def test_203_a_code_and_a_refresh_token_that_exist_look_like_ones_that_do_not(client):
    other = McpClient(client.deployment).register()
    tokens = other.connect()

    codes = [client.redeem(each) for each in (other.code(), "mcpas_ac_" + "A" * 43, "x")]
    refresh = [client.refresh(each) for each in (tokens["refresh_token"], "mcpas_rt_x", "x")]

    assert len({str(_seen(each)) for each in codes}) == 1
    assert len({str(_seen(each)) for each in refresh}) == 1


def test_203_a_request_of_another_browser_looks_like_none(client):
    victim = sign_in_page(client, Browser(client.deployment))
    attacker = Browser(client.deployment)
    sign_in_page(client, attacker)

    for path in ("/sign-in?pending=", "/consent?pending=", "/callback?code=x&state="):
        answers = [
            attacker.get(ISSUER + path + each)
            for each in (victim.request.args["pending"], "A" * 43, "x", "")
        ]
        assert {each.status_code for each in answers} == {403}
        assert len({str(_seen(each)) for each in answers}) == 1


def test_203_a_known_user_looks_like_an_unknown_one(client):
    client.connect()
    hints = ("ada@example.com", "nobody@example.com")

    pages = [
        Browser(client.deployment).get(client.authorize_url(login_hint=each)) for each in hints
    ]
    silent = [
        Browser(client.deployment).get(client.authorize_url(login_hint=each, prompt="none"))
        for each in hints
    ]

    assert _seen(pages[0]) == _seen(pages[1])
    assert _seen(silent[0]) == _seen(silent[1])


def test_203_a_resource_of_another_name_space_looks_like_one_that_does_not_exist(client):
    refused = [
        Browser(client.deployment).get(client.authorize_url(resource=each))
        for each in ("issues", "Issue tracker", f"{RESOURCE}/x", "https://unknown.example/mcp")
    ]

    assert len({str(_seen(each)) for each in refused}) == 1

"""What the token endpoint may answer: refusals, requests to wait, and answers without tokens."""

import pytest

from authserver.upstream.errors import UpstreamError, UpstreamUnavailable
from tests.upstream.spoiled_server import Spoiled


@pytest.mark.spec("RFC 6749", "5.2")
@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (Spoiled(400, b'{"error": "invalid_grant"}'), "400 invalid_grant"),
        (Spoiled(401, b'{"error": "invalid_client"}'), "401 invalid_client"),
        (Spoiled(400, b'{"error": "<script>"}'), "400 unregistered error code"),
        (Spoiled(403, b"<html>"), "403 without an error code"),
        (Spoiled(200, b'{"error": "invalid_grant"}'), "200 invalid_grant"),
    ],
)
def test_a_refusal_of_the_token_endpoint_is_not_an_outage(login, idp, answer, detail):
    idp.spoiled["/token"] = answer

    with pytest.raises(UpstreamError) as refusal:
        login.sign_in()

    assert (refusal.value.reason, refusal.value.detail) == ("upstream_refused", detail)


@pytest.mark.parametrize("status", [408, 425, 429])
def test_a_provider_that_asks_us_to_come_back_later_is_an_outage(login, idp, status):
    idp.spoiled["/token"] = Spoiled(status, b'{"error": "slow_down"}')

    with pytest.raises(UpstreamUnavailable):
        login.sign_in()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"access_token": None}, "access_token_invalid"),
        ({"access_token": ""}, "access_token_invalid"),
        ({"access_token": "a\r\nX-Evil: 1"}, "access_token_invalid"),
        ({"access_token": ["a"]}, "access_token_invalid"),
        ({"token_type": "mac"}, "access_token_invalid"),
        ({"token_type": 7}, "access_token_invalid"),
    ],
)
def test_an_answer_without_a_usable_access_token_is_refused(login, idp, changes, reason):
    idp.token_answer = changes

    with pytest.raises(UpstreamError) as refusal:
        login.sign_in()

    assert refusal.value.reason == reason


def test_a_code_is_sent_once_even_when_the_provider_fails(login, idp):
    idp.spoiled["/token"] = Spoiled(200, b"", {"Content-Length": "9", "Connection": "close"})

    with pytest.raises(UpstreamUnavailable):
        login.sign_in()

    assert len(idp.asked("/token")) == 1

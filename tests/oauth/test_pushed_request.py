"""The reference to a pushed request, and whose and how long it is good"""

import pytest

from authserver.oauth import pushed_request
from authserver.oauth.pushed_request import PushedRequest
from tests.storage.values import NOW, a_request

PUSHED = PushedRequest("digest", a_request(client_id="client-1"), "network", NOW + 90)


@pytest.mark.spec("RFC 9126", "2.2")
def test_a_reference_is_unguessable_and_new_each_time():
    first, second = pushed_request.new_request_uri(), pushed_request.new_request_uri()
    assert first != second
    assert len(first.rpartition(":")[2]) == 43
    assert pushed_request.is_reference(first)


def test_nothing_else_is_a_reference():
    for request_uri in (None, "https://client.example/request", "URN:ietf:params:oauth:x", ""):
        assert not pushed_request.is_reference(request_uri)


def test_it_is_good_for_its_client_until_it_expires():
    assert pushed_request.answers_to(PUSHED, "client-1", NOW + 89)
    assert not pushed_request.answers_to(PUSHED, "client-1", NOW + 90)
    assert not pushed_request.answers_to(PUSHED, "client-2", NOW)

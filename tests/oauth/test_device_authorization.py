"""The request of a device, and how its polls are judged: RFC 8628 §3.1, §3.5"""

from dataclasses import replace

import pytest

from authserver.oauth import device_authorization
from authserver.oauth.device_authorization import (
    GRANT_TYPE,
    LIFETIME,
    Approval,
    DeviceAuthorization,
    check_poll,
    parse_request,
)
from tests.oauth.samples import CLIENT, ISSUES, NOW, WIKI, params, refused

DEVICE = replace(CLIENT, redirect_uris=(), grant_types=(GRANT_TYPE,))
RESOURCES = (ISSUES, WIKI)
APPROVAL = Approval("grant-1", "user-1", ("issues:read",), NOW - 5, 3, "sid-1")


def asked(**changes):
    return parse_request(params(resource=ISSUES.url, **changes), DEVICE, RESOURCES)


def waiting(**changes):
    device = DeviceAuthorization("d", "u", asked(), "192.0.2.1", "network", 0, NOW, NOW + LIFETIME)
    return replace(device, **changes)


def approved(**changes):
    return waiting(status="approved", approval=APPROVAL, **changes)


@pytest.mark.spec("RFC 8628", "3.1")
def test_a_request_has_a_target_and_scope_and_no_way_back():
    request = asked(scope="issues:read unknown", redirect_uri="https://evil.example/", state="x")
    assert (request.resource, request.scope) == (ISSUES.url, ("issues:read",))
    assert request.redirect_uri == request.code_challenge == ""
    assert request.state is None
    assert request.prompt == frozenset()


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"resource": "https://x.example/mcp"}, "invalid_target"), ({"scope": "\\"}, "invalid_scope"),
     ({"claims": "{}"}, "invalid_request"), ({"request": "x"}, "request_not_supported"),
     ({"dpop_jkt": "short"}, "invalid_request")],
    ids=str,
)  # fmt: skip
def test_what_authorize_refuses_is_refused(changes, code):
    with refused(code):
        parse_request(params(**{"resource": ISSUES.url, **changes}), DEVICE, RESOURCES)


def test_only_a_client_of_the_grant_asks():
    with refused("unauthorized_client"):
        parse_request(params(resource=ISSUES.url), CLIENT, RESOURCES)


def test_what_a_client_is_limited_to_holds():
    limited = replace(DEVICE, resources=frozenset({"wiki"}), scope=("wiki:read",))
    with refused("invalid_target"):
        parse_request(params(resource=ISSUES.url), limited, RESOURCES)


@pytest.mark.spec("RFC 8628", "3.5")
@pytest.mark.parametrize(
    ("device", "later", "code"),
    [
        (None, 0, "invalid_grant"),
        (waiting(), LIFETIME, "expired_token"),
        (approved(), LIFETIME, "expired_token"),
        (waiting(status="denied"), 0, "access_denied"),
        (waiting(status="denied"), LIFETIME, "expired_token"),
    ],
    ids=["unknown", "pending, late", "approved, late", "denied", "denied, late"],
)
def test_a_poll_that_ends_says_how(device, later, code):
    with refused(code):
        check_poll(device, DEVICE, NOW + later)


@pytest.mark.parametrize("device", [waiting(), approved(), waiting(status="denied")])
@pytest.mark.parametrize("later", [0, LIFETIME])
def test_another_client_hears_the_same_of_each(device, later):
    with refused("invalid_grant") as caught:
        check_poll(device, replace(DEVICE, client_id="mcp-2"), NOW + later)
    assert caught.value.detail == "device_code_of_another_client"


def test_a_poll_goes_on_while_there_is_something_to_do():
    for device in (waiting(), approved(), approved(spent_at=NOW)):
        assert check_poll(device, DEVICE, NOW) is device
    spent = approved(spent_at=NOW)
    assert check_poll(spent, DEVICE, NOW + 9 * LIFETIME) is spent  # a replay is judged first


def test_waiting_has_two_names():
    assert device_authorization.wait(slowed=False).code == "authorization_pending"
    assert device_authorization.wait(slowed=True).code == "slow_down"


def test_it_is_open_until_decided_or_over():
    assert waiting().is_open(NOW + LIFETIME - 1)
    assert not waiting().is_open(NOW + LIFETIME)
    assert not approved().is_open(NOW)


def test_what_was_approved_is_what_is_proved():
    found = approved().authorization(APPROVAL)
    assert (found.sub, found.client_id, found.resource) == ("user-1", "mcp-1", ISSUES.url)
    assert (found.scope, found.anchor.grant_id) == (("issues:read",), "grant-1")
    assert len(approved().epoch_subjects(APPROVAL)) == 4


@pytest.mark.parametrize("later", [-1, 0, 1])
def test_it_is_done_polling_where_its_next_poll_would_come_at_its_end(later):
    assert waiting(next_poll_at=NOW + LIFETIME + later).is_done_polling() is (later >= 0)
    assert not waiting().is_done_polling()

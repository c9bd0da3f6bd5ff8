"""Requests on their way are counted by network, whatever their kind"""

from dataclasses import replace

import pytest

from authserver.oauth.device_authorization import Approval
from tests.storage.values import NOW, a_device, a_pending, a_pushed_request

CLIENT = ("client:client-1",)
APPROVAL = Approval("grant-1", "user-1", ("issues:read",), NOW, 0)


def here(value):
    return replace(value, network_digest="here")


def counted(store, now=NOW, most=10):
    with store.read() as reads:
        return reads.on_their_way("here", now, most)


@pytest.fixture
def three(store):
    """One of each kind from here, and one of each from elsewhere."""
    with store.write() as tx:
        for name, of in (("1", here), ("2", lambda value: value)):
            tx.add_pending(of(a_pending(f"pending-{name}")))
            tx.add_pushed_request(of(a_pushed_request(f"pushed-{name}")))
            tx.add_device_authorization(of(a_device(f"device-{name}")))
    return store


def test_each_kind_counts_until_its_end(three):
    assert [counted(three, NOW + later) for later in (0, 89, 90, 599, 600)] == [3, 3, 2, 2, 0]
    assert counted(three, most=2) == 2


def test_what_was_denied_counts_on_and_what_was_taken_counts_as_what_it_became(three):
    with three.write() as tx:
        assert tx.decide_pending("pending-1", "denied", NOW, CLIENT, 0)
        assert tx.deny_device("device-1", NOW)
        assert tx.spend_pushed_request("pushed-1", NOW)
    assert counted(three) == 2


def test_what_a_user_approved_counts_no_more(three):
    with three.write() as tx:
        assert tx.decide_pending("pending-1", "approved", NOW, CLIENT, 0)
        assert tx.approve_device("device-1", APPROVAL, NOW)
    assert counted(three) == 1

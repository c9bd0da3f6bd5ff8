import json

import pytest
from sqlalchemy import text

from authserver.oauth import epoch
from tests.storage.values import NOW, a_pending, a_request, a_session

CLIENT = (epoch.client("client-1"),)


@pytest.mark.parametrize(
    "request_",
    [a_request(), a_request(state=None, nonce=None, prompt=frozenset(), max_age=None)],
    ids=["full", "sparse"],
)
def test_a_pending_authorization_is_returned_as_it_was_stored(store, request_):
    with store.write() as tx:
        tx.add_pending(a_pending(request=request_, epochs=3))
    with store.read() as reads:
        assert reads.pending("pending-1") == a_pending(request=request_, epochs=3)
        assert reads.pending("pending-2") is None


def test_what_a_newer_version_wrote_into_a_request_is_ignored(store):
    with store.write() as tx:
        tx.add_pending(a_pending())
        find = text("SELECT request FROM pending_authorizations")
        document = json.loads(tx._scalar(find, {})) | {"acr_values": "phr"}
        change = text("UPDATE pending_authorizations SET request = :r")
        tx._changed(change, {"r": json.dumps(document)})
        assert tx.pending("pending-1") == a_pending()


@pytest.mark.parametrize("status", ["approved", "denied"])
def test_a_pending_authorization_is_decided_once(store, status):
    with store.write() as tx:
        tx.add_pending(a_pending())
        assert tx.decide_pending("pending-1", status, NOW, CLIENT, 0) is True
        assert tx.pending("pending-1").status == status
        assert tx.decide_pending("pending-1", "approved", NOW, CLIENT, 0) is False
        assert tx.decide_pending("pending-1", "denied", NOW, CLIENT, 0) is False
        assert tx.pending("pending-1").status == status


def test_an_expired_pending_authorization_is_not_decided(store):
    with store.write() as tx:
        tx.add_pending(a_pending())
        assert tx.decide_pending("pending-1", "approved", NOW + 600, CLIENT, 0) is False
        assert tx.decide_pending("pending-1", "approved", NOW + 599, CLIENT, 0) is True


def test_a_decision_after_a_revocation_does_not_count(store):
    with store.write() as tx:
        tx.add_pending(a_pending())
        tx.bump_epoch(CLIENT[0])
        assert tx.decide_pending("pending-1", "approved", NOW, CLIENT, 0) is False
        assert tx.pending("pending-1").status == "pending"
        assert tx.decide_pending("pending-1", "approved", NOW, CLIENT, 1) is True


def test_only_the_named_authorization_is_decided(store):
    with store.write() as tx:
        tx.add_pending(a_pending("pending-1"))
        tx.add_pending(a_pending("pending-2"))
        assert tx.decide_pending("pending-2", "denied", NOW, CLIENT, 0) is True
        assert tx.pending("pending-1").status == "pending"


@pytest.mark.spec("RFC 9700", "4.7.1")
def test_an_upstream_state_is_spent_once(store):
    with store.write() as tx:
        tx.add_upstream_login("state-1", "pending-1", NOW, NOW + 300)
        tx.add_upstream_login("state-2", "pending-1", NOW, NOW + 300)
        assert tx.spend_upstream_login("state-0", NOW) is None
        assert tx.spend_upstream_login("state-1", NOW) == "pending-1"
        assert tx.spend_upstream_login("state-1", NOW) is None
        assert tx.spend_upstream_login("state-2", NOW) == "pending-1"


def test_an_expired_upstream_state_is_not_spent(store):
    with store.write() as tx:
        tx.add_upstream_login("state-1", "pending-1", NOW, NOW + 300)
        assert tx.spend_upstream_login("state-1", NOW + 300) is None


def test_a_session_is_returned_as_it_was_stored(store):
    with store.write() as tx:
        tx.add_session(a_session())
        tx.add_session(a_session("session-2", upstream_sid=None))
    with store.read() as reads:
        assert reads.session("session-1") == a_session()
        assert reads.session("session-2") == a_session("session-2", upstream_sid=None)
        assert reads.session("session-3") is None


@pytest.mark.parametrize("revoked", epoch.of_session("user-1", "sid-1"), ids=["user", "sid"])
def test_a_session_ends_when_its_user_or_upstream_session_is_revoked(store, revoked):
    with store.write() as tx:
        tx.add_session(a_session())
        tx.bump_epoch(revoked)
        assert tx.session("session-1") is None
        tx.add_session(a_session("session-2", epochs=1))
        assert tx.session("session-2") is not None


def test_a_session_outlives_the_revocation_of_another_user_or_upstream_session(store):
    with store.write() as tx:
        tx.add_session(a_session())
        tx.bump_epoch(epoch.user("user-2"))
        tx.bump_epoch(epoch.upstream_session("sid-2"))
        assert tx.session("session-1") == a_session()


def test_the_use_of_a_session_is_noted_at_most_once_a_minute(store):
    with store.write() as tx:
        tx.add_session(a_session())
        tx.touch_session("session-1", NOW + 59)
        assert tx.session("session-1").last_seen_at == NOW
        tx.touch_session("session-1", NOW + 60)
        assert tx.session("session-1").last_seen_at == NOW + 60


def test_a_clock_that_jumps_back_does_not_make_a_session_look_idle(store):
    with store.write() as tx:
        tx.add_session(a_session())
        tx.touch_session("session-1", NOW - 3600)
        assert tx.session("session-1").last_seen_at == NOW


def test_a_deleted_session_is_gone_and_no_other(store):
    with store.write() as tx:
        tx.add_session(a_session("session-1"))
        tx.add_session(a_session("session-2"))
        assert tx.delete_session("session-1") is True
        assert tx.delete_session("session-1") is False
        assert tx.session("session-1") is None
        assert tx.session("session-2") is not None

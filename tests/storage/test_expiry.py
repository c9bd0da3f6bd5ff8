import pytest

from authserver.oauth.device_authorization import Approval
from authserver.storage import expiry
from authserver.storage.purge import purge
from tests.storage.values import (
    DAY,
    HOUR,
    NOW,
    RESOURCE,
    SUBJECTS,
    a_client,
    a_code,
    a_device,
    a_grant,
    a_pushed_request,
    a_request,
    a_session,
)
from tests.storage.values import a_pending as _a_pending

UNUSED, IDLE = 7 * DAY, 90 * DAY
CONSENT = ("user-1", "client-1", "https://app.example/callback", RESOURCE)


def a_pending(client_id, **changes):
    return _a_pending(request=a_request(client_id=client_id), **changes)


WAYS = {
    "pending": lambda tx, end: tx.add_pending(a_pending("client-1", expires_at=end)),
    "pushed": lambda tx, end: tx.add_pushed_request(a_pushed_request(expires_at=end)),
    "device": lambda tx, end: tx.add_device_authorization(a_device(expires_at=end)),
    "approved": lambda tx, end: tx.add_pending(
        a_pending("client-1", expires_at=end, status="approved")
    ),
}


def _purge(store, now, batch=200):
    deleted = purge(store, now, unused_lifetime=UNUSED, idle_lifetime=IDLE, batch=batch)
    return {kind: count for kind, count in deleted.items() if count}


def _add(store, *values):
    with store.write() as tx:
        for value in values:
            name = type(value).__name__.lower().removesuffix("authorization")
            getattr(tx, f"add_{name}")(value)


def test_nothing_is_purged_while_it_may_be_used(store):
    _add(store, a_client(), a_grant(), a_code(), a_session(), a_pending("client-1"))
    with store.write() as tx:
        tx.add_upstream_login("state-1", "pending-1", NOW, NOW + 600)
    assert _purge(store, NOW) == {}
    assert _purge(store, NOW + 600) == {}


@pytest.mark.parametrize("jump", [-HOUR, 0, HOUR - 1], ids=["back", "none", "forward"])
def test_no_clock_that_is_an_hour_wrong_deletes_what_another_still_uses(store, jump):
    _add(store, a_session(last_seen_at=NOW - HOUR + 1), a_code(expires_at=NOW + 1))
    _add(store, a_pending("client-1", expires_at=NOW + 1))
    with store.write() as tx:
        tx.add_upstream_login("state-1", "pending-1", NOW, NOW + 1)
    assert _purge(store, NOW + jump) == {}


def test_what_has_ended_goes_an_hour_later(store):
    _add(store, a_session(), a_session("session-2", last_seen_at=NOW + DAY))
    _add(store, a_pending("client-1"), a_code())
    with store.write() as tx:
        tx.add_upstream_login("state-1", "pending-1", NOW, NOW + 600)
        tx.add_upstream_login("state-2", "pending-1", NOW, NOW + DAY)
    assert _purge(store, NOW + 2 * HOUR) == {
        "sessions": 1, "pending authorizations": 1, "upstream logins": 1, "codes": 1,
    }  # fmt: skip
    with store.read() as reads:
        assert reads.session("session-1") is reads.pending("pending-1") is None
        assert reads.code("code-1") is None
        assert reads.session("session-2") is not None
    with store.write() as tx:
        assert tx.spend_upstream_login("state-2", NOW) == "pending-1"


def test_a_session_goes_after_its_longest_life_however_much_it_is_used(store):
    _add(store, a_session(last_seen_at=NOW + 12 * HOUR))
    assert _purge(store, NOW + 13 * HOUR - 1) == {}
    assert _purge(store, NOW + 13 * HOUR) == {"sessions": 1}


@pytest.mark.parametrize("ended", [{}, {"revoked_at": NOW}], ids=["live", "revoked"])
def test_a_spent_code_stays_as_long_as_its_grant(store, ended):
    """So that a replay of the code, however late, finds the grant that it has to revoke."""
    grant = a_grant("grant-of-code-1", idle_expires_at=NOW + 365 * DAY, **ended)
    _add(store, a_code(), grant)
    with store.write() as tx:
        tx.spend_code("code-1", NOW, SUBJECTS)
    assert "codes" not in _purge(store, NOW + 365 * DAY)
    with store.read() as reads:
        assert reads.code("code-1").spent_at == NOW
    assert _purge(store, NOW + 366 * DAY) == {"grants": 1, "codes": 1}


def test_a_code_that_was_spent_without_a_grant_goes_too(store):
    _add(store, a_code())
    with store.write() as tx:
        tx.spend_code("code-1", NOW, SUBJECTS)
    assert _purge(store, NOW + 60 + HOUR) == {"codes": 1}


def test_an_ended_grant_stays_while_an_access_token_of_it_may_be_asked_about(store):
    _add(store, a_grant(idle_expires_at=NOW + 10), a_grant("newer", rotated_at=NOW + 1))
    assert _purge(store, NOW + 10 + DAY - 1) == {}
    assert _purge(store, NOW + 10 + DAY) == {"grants": 1}
    with store.read() as reads:
        assert reads.grant("grant-1") is None
        assert reads.grant("newer") is not None


def test_the_newest_grant_of_a_client_stays_as_long_as_it_tells_when_the_client_was_used(store):
    _add(store, a_client(), a_grant(idle_expires_at=NOW + 10))
    _add(store, a_grant("others", client_id="other", rotated_at=NOW + 1))
    assert _purge(store, NOW + IDLE - 1) == {}
    assert _purge(store, NOW + IDLE) == {"grants": 1, "idle clients": 1}


# --- clients ---


def test_a_client_that_nobody_authorised_goes_after_its_unused_lifetime(store):
    _add(store, a_client())
    assert _purge(store, NOW + UNUSED - 1) == {}
    assert _purge(store, NOW + UNUSED) == {"unused clients": 1}
    with store.read() as reads:
        assert reads.client("client-1") is None


@pytest.mark.parametrize("later", [UNUSED, 10 * IDLE])
def test_a_client_of_the_operator_is_never_purged(store, later):
    _add(store, a_client(preregistered=True))
    assert _purge(store, NOW + later) == {}


@pytest.mark.parametrize("later", [UNUSED, 10 * IDLE])
@pytest.mark.parametrize("add", WAYS.values(), ids=WAYS.keys())
def test_a_client_with_a_request_on_its_way_is_not_purged(store, later, add):
    end = NOW + later + 600
    _add(store, a_client())
    with store.write() as tx:
        add(tx, end)
    assert _purge(store, NOW + later) == {}
    assert _purge(store, end + HOUR - 1) == {}
    assert _purge(store, end + HOUR)["unused clients"] == 1


def test_a_client_that_is_only_asked_for_in_vain_is_purged(store):
    _add(store, a_client())
    end = NOW + UNUSED + 600
    with store.write() as tx:
        tx.add_pending(a_pending("client-1", expires_at=end, status="denied"))
        tx.add_device_authorization(a_device(expires_at=end, status="denied"))
    assert _purge(store, NOW + UNUSED) == {"unused clients": 1}


def test_a_client_whose_request_was_approved_stays_until_its_code_is_redeemed(store):
    _add(store, a_client())
    end = NOW + UNUSED + 600
    with store.write() as tx:
        tx.add_device_authorization(a_device(expires_at=end))
        tx.approve_device("device-1", Approval("grant-1", "user-1", ("a",), NOW, 0), NOW)
    assert _purge(store, NOW + UNUSED) == {}


def test_a_client_with_a_live_grant_is_not_purged_however_long_it_rests(store):
    _add(store, a_client(), a_grant(idle_expires_at=NOW + 365 * DAY))
    assert _purge(store, NOW + 365 * DAY - 1) == {}


def test_a_client_is_idle_from_the_last_rotation_of_its_newest_grant(store):
    _add(store, a_client(), a_grant())
    with store.write() as tx:
        tx.rotate("handle-of-grant-1", 0, NOW + 5 * DAY, NOW + 10 * DAY, SUBJECTS)
    assert _purge(store, NOW + 5 * DAY + IDLE - 1) == {}
    assert _purge(store, NOW + 5 * DAY + IDLE) == {"idle clients": 1, "grants": 1}
    with store.read() as reads:
        assert reads.client("client-1") is None


def test_a_client_whose_grants_were_revoked_stays_until_it_is_idle(store):
    _add(store, a_client(), a_grant(revoked_at=NOW))
    assert _purge(store, NOW + IDLE - 1) == {}
    assert _purge(store, NOW + IDLE) == {"idle clients": 1, "grants": 1}
    with store.read() as reads:
        assert reads.client("client-1") is None


def test_a_purged_client_takes_the_decisions_about_it_along_and_no_others(store):
    others = ("user-1", "other", *CONSENT[2:])
    _add(store, a_client(), a_client("other", preregistered=True))
    with store.write() as tx:
        tx.remember_consent(*CONSENT, scope=("a",), client_digest="d", epochs=0, now=NOW)
        tx.remember_consent(*others, scope=("a",), client_digest="d", epochs=0, now=NOW)
    assert _purge(store, NOW + IDLE - 1) == {}
    assert _purge(store, NOW + IDLE) == {"idle clients": 1}
    with store.read() as reads:
        assert reads.consent(*CONSENT) is None
        assert reads.consent(*others) is not None


def test_a_decision_of_a_user_keeps_a_client_from_being_idle(store):
    _add(store, a_client())
    with store.write() as tx:
        tx.remember_consent(*CONSENT, scope=("a",), client_digest="d", epochs=0, now=NOW + 50 * DAY)
    assert _purge(store, NOW + IDLE) == {}
    assert _purge(store, NOW + 50 * DAY + IDLE) == {"idle clients": 1}


# --- batches ---


def test_many_rows_go_in_small_transactions(store):
    _add(store, *(a_session(f"session-{number}") for number in range(25)))
    with store.counting() as count:
        assert _purge(store, NOW + DAY, batch=10) == {"sessions": 25}
    assert count.commits == 3


def test_a_purge_without_anything_to_do_writes_nothing(store):
    with store.counting() as count:
        assert _purge(store, NOW) == {}
    assert count.commits == 0


def test_a_row_that_came_back_to_life_between_finding_and_deleting_stays(store):
    _add(store, a_client(), a_session())
    moments = expiry.Moments(NOW + UNUSED, NOW, NOW + UNUSED - IDLE)
    with store.read() as reads:
        assert reads.ended("unused clients", moments, 10) == ["client-1"]
    _add(store, a_pending("client-1", expires_at=NOW + UNUSED + 600))
    with store.write() as tx:
        assert tx.delete_ended("unused clients", moments, ["client-1"]) == 0
        assert tx.client("client-1") is not None


@pytest.mark.parametrize("later", [UNUSED, 10 * IDLE])
def test_a_blocked_client_is_never_purged_until_it_is_unblocked(store, later):
    with store.write() as tx:
        tx.block_client(a_client(), NOW)
    assert _purge(store, NOW + later) == {}
    with store.write() as tx:
        tx.unblock_client("client-1")
    assert _purge(store, NOW + later) == {"unused clients": 1}


def test_a_client_that_is_registered_again_is_not_purged_for_its_age(store):
    _add(store, a_client())
    with store.write() as tx:
        tx.renew_client(a_client(registered_at=NOW + DAY))
    assert _purge(store, NOW + UNUSED) == {}
    assert _purge(store, NOW + UNUSED + DAY) == {"unused clients": 1}

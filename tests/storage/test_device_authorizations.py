import pytest

from authserver.oauth.device_authorization import Approval
from authserver.storage.purge import purge
from tests.storage import racing
from tests.storage.values import DAY, HOUR, NOW, SUBJECTS, a_device, a_grant

APPROVAL = Approval("grant-1", "user-1", ("issues:read",), NOW - 5, 0, "sid-1")
END = NOW + 600


def found(store, digest="device-1"):
    with store.read() as reads:
        return (reads.device_authorization(digest) or (None,))[0]


def add(store, *devices):
    with store.write() as tx:
        return [tx.add_device_authorization(each) for each in devices]


def test_a_request_is_found_by_both_codes(store):
    assert add(store, a_device(), a_device("device-2", interval=10)) == [True, True]
    assert found(store) == a_device()
    with store.read() as reads:
        assert reads.device_of_user_code(["x", "typed-device-2"]) == a_device(
            "device-2", interval=10
        )
        assert reads.device_of_user_code(["x"]) is reads.device_of_user_code([]) is None
    assert found(store, "device-3") is None


def test_of_two_requests_with_one_user_code_the_first_has_it(store):
    assert add(store, a_device(), a_device("device-2", typed_digest="typed-device-1")) == [
        True, False,
    ]  # fmt: skip
    assert found(store, "device-2") is None


def test_it_is_decided_once_and_in_time(store):
    add(store, a_device(), a_device("device-2"), a_device("device-3"))
    with store.write() as tx:
        assert tx.approve_device("device-1", APPROVAL, NOW) is True
        assert tx.deny_device("device-1", NOW) is tx.approve_device("device-1", APPROVAL, NOW)
        assert tx.deny_device("device-2", NOW) is True
        assert tx.approve_device("device-2", APPROVAL, NOW) is False
        assert tx.approve_device("device-3", APPROVAL, END) is False
        assert tx.deny_device("device-3", END) is False
    assert found(store) == a_device(status="approved", approval=APPROVAL, epochs=0)
    assert found(store, "device-2") == a_device("device-2", status="denied", address="")


def test_it_is_redeemed_once_approved_in_time_and_unrevoked(store):
    add(store, a_device())
    with store.write() as tx:
        assert tx.spend_device("device-1", NOW, SUBJECTS) is False
        tx.approve_device("device-1", APPROVAL, NOW)
        assert tx.spend_device("device-1", END, SUBJECTS) is False
        assert tx.spend_device("device-1", END - 1, SUBJECTS) is True
        assert tx.spend_device("device-1", NOW, SUBJECTS) is False
    assert (found(store).spent_at, found(store).address) == (END - 1, "")


@pytest.mark.parametrize("subject", SUBJECTS, ids=["user", "client", "consent", "sid"])
def test_what_was_revoked_since_is_not_redeemed(store, subject):
    add(store, a_device())
    with store.write() as tx:
        tx.approve_device("device-1", APPROVAL, NOW)
        tx.bump_epoch(subject)
        assert tx.spend_device("device-1", NOW, SUBJECTS) is False


@pytest.mark.spec("RFC 8628", "3.5")
def test_each_poll_that_comes_too_soon_adds_five_seconds(store):
    add(store, a_device())
    steps = ((0, False, 5), (3, True, 10), (13, False, 10), (22, False, 10), (30, True, 15))
    for later, slowed, interval in steps:
        with store.write() as tx:
            assert tx.note_poll("device-1", NOW + later) is slowed
        assert found(store).interval == interval
    with store.write() as tx:
        assert tx.note_poll("device-2", NOW) is False


def test_twenty_threads_have_one_winner_of_each(store):
    prizes = [str(number) for number in range(8)]
    add(store, *(a_device(each) for each in prizes))

    def approve(store, prize):
        with store.write() as tx:
            return tx.approve_device(prize, APPROVAL, NOW)

    def spend(store, prize):
        with store.write() as tx:
            return tx.spend_device(prize, NOW, SUBJECTS)

    def poll(store, prize):
        with store.write() as tx:
            return not tx.note_poll(prize, NOW)

    for race in (poll, approve, spend):
        won = racing.race_in_threads(store, race, prizes, racers=20)
        assert won == dict.fromkeys(prizes, 1)


def test_it_is_purged_an_hour_after_its_end_and_with_its_grant(store):
    add(store, a_device(), a_device("device-2"))
    with store.write() as tx:
        tx.approve_device("device-1", APPROVAL, NOW)
        tx.add_grant(a_grant())

    def deleted(now):
        kinds = purge(store, now, unused_lifetime=7 * DAY, idle_lifetime=90 * DAY, batch=10)
        return kinds["device authorizations"]

    assert deleted(END + HOUR - 1) == 0
    assert deleted(END + HOUR) == 1
    assert found(store, "device-2") is None
    assert found(store) is not None

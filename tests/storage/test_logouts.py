import pytest

from authserver.storage.purge import purge
from tests.storage.values import DAY, HOUR, NOW


def _spend(tx, digest="token-1", ends="sid:1", received_at=NOW):
    return tx.spend_logout_token(digest, ends=ends, received_at=received_at, expires_at=NOW + 120)


@pytest.mark.spec("OpenID Connect Back-Channel Logout", "2.6")
def test_a_logout_token_is_taken_once(store):
    with store.write() as tx:
        assert _spend(tx) is True
        assert _spend(tx) is False
        assert _spend(tx, "token-2") is True
    with store.write() as tx:
        assert _spend(tx, received_at=NOW + HOUR) is False


def test_a_token_that_is_taken_in_vain_can_be_taken_again(store):
    def take_and_fail():
        with store.write() as tx:
            assert _spend(tx) is True
            raise RuntimeError

    with pytest.raises(RuntimeError):
        take_and_fail()
    with store.write() as tx:
        assert _spend(tx) is True


def test_a_sign_in_sees_the_logouts_since_it_began(store):
    with store.write() as tx:
        _spend(tx)
        _spend(tx, "token-2", "upstream-user:1", NOW + 5)
    with store.read() as reads:
        assert reads.is_logged_out_since(("sid:1",), NOW)
        assert not reads.is_logged_out_since(("sid:1",), NOW + 1)
        assert reads.is_logged_out_since(("upstream-user:1", "sid:1"), NOW + 5)
        assert not reads.is_logged_out_since(("upstream-user:2", "sid:2"), NOW)


def test_a_logout_token_is_forgotten_an_hour_after_nobody_accepts_it(store):
    def purged(now):
        return purge(store, now, unused_lifetime=7 * DAY, idle_lifetime=90 * DAY)["logout tokens"]

    with store.write() as tx:
        _spend(tx)
    assert purged(NOW + HOUR + 119) == 0
    assert purged(NOW + HOUR + 120) == 1

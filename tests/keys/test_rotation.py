"""When a key is made, published, put to use, retired and dropped"""

import threading
from contextlib import contextmanager

import pytest
from joserfc import jws

from authserver.keys import NoSigningKey
from authserver.keys.signing_keys import CLOCK_SKEW, DAY, EXPIRED_KEPT
from tests.keys.memory_store import MemoryStore

NOW = 1_800_000_000


def _kids(keys, now):
    return [key["kid"] for key in keys.jwks(now)["keys"]]


def _signs(keys, now):
    token = keys.sign("at+jwt", {"exp": now + 60}, now)
    return jws.extract_compact(token.encode()).headers()["kid"]


def _states(keys, now):
    return [each.state for each in keys.list(now)]


def test_the_first_key_is_made_at_start_up_and_signs_at_once(make_keys):
    keys = make_keys()
    keys.prepare(NOW)

    assert _kids(keys, NOW) == [_signs(keys, NOW)]
    assert _states(keys, NOW) == ["active"]


def test_a_second_start_makes_no_second_key(make_keys, memory):
    make_keys().prepare(NOW)
    second = make_keys()
    second.prepare(NOW + 5)

    assert len(memory.rows) == 1
    assert _signs(second, NOW + 5) in memory.rows


def test_without_a_key_nothing_is_signed_and_signing_makes_none(make_keys, memory):
    with pytest.raises(NoSigningKey):
        make_keys().sign("at+jwt", {}, NOW)
    with pytest.raises(NoSigningKey):
        make_keys().signing_alg(NOW)

    assert memory.writes == 0


@pytest.mark.spec("RFC 7517", "5")
def test_a_new_key_is_published_for_the_lead_before_it_signs(make_keys):
    keys = make_keys(publish_lead=DAY)
    keys.prepare(NOW)
    old = _signs(keys, NOW)

    assert keys.rotate(NOW + 10) == NOW + 10 + DAY

    old_, new = _kids(keys, NOW + 10)
    assert old_ == old
    assert _states(keys, NOW + 10) == ["active", "next"]
    assert _signs(keys, NOW + 10 + DAY - 1) == old
    assert _signs(keys, NOW + 10 + DAY) == new
    assert _states(keys, NOW + 10 + DAY) == ["retired", "active"]


def test_a_second_rotation_while_a_key_is_waiting_makes_no_other(make_keys, memory):
    keys = make_keys()
    keys.prepare(NOW)

    assert keys.rotate(NOW) == keys.rotate(NOW + 60) == NOW + DAY
    assert len(memory.rows) == 2


def test_a_rotation_on_an_empty_database_makes_the_first_key_and_the_next(make_keys):
    keys = make_keys()

    assert keys.rotate(NOW) == NOW + DAY
    assert _states(keys, NOW) == ["active", "next"]


def test_the_next_key_comes_on_schedule_so_that_each_signs_for_the_interval(make_keys):
    keys = make_keys(rotation_interval=90 * DAY, publish_lead=DAY)
    keys.prepare(NOW)

    keys.prepare(NOW + 89 * DAY - 1)
    assert _states(keys, NOW + 89 * DAY - 1) == ["active"]
    keys.prepare(NOW + 89 * DAY)
    assert _states(keys, NOW + 89 * DAY) == ["active", "next"]
    keys.prepare(NOW + 90 * DAY)
    assert _states(keys, NOW + 90 * DAY) == ["retired", "active"]


def test_a_server_that_was_down_past_the_schedule_still_publishes_first(make_keys):
    keys = make_keys()
    keys.prepare(NOW)
    first = _signs(keys, NOW)
    later = NOW + 200 * DAY

    keys.prepare(later)

    assert _signs(keys, later) == first
    assert _states(keys, later) == ["active", "next"]


@pytest.mark.parametrize("lifetime", [60, 900, DAY, 2 * DAY])
def test_a_retired_key_stays_until_the_longest_token_it_may_have_signed_is_gone(
    make_keys, lifetime
):
    keys = make_keys(longest_token_lifetime=lifetime)
    keys.prepare(NOW)
    old = _signs(keys, NOW)
    retired_at = keys.rotate(NOW)
    expires_at = retired_at + max(lifetime, DAY) + CLOCK_SKEW

    assert old in _kids(keys, expires_at - 1)
    assert old not in _kids(keys, expires_at)
    assert _states(keys, expires_at) == ["expired", "active"]


def test_a_shorter_token_lifetime_does_not_drop_a_key_that_signed_under_a_longer_one(make_keys):
    before = make_keys(longest_token_lifetime=DAY)
    before.prepare(NOW)
    retired_at = before.rotate(NOW)
    token = before.sign("at+jwt", {"exp": retired_at - 1 + DAY}, retired_at - 1)

    after = make_keys(longest_token_lifetime=60)
    after.prepare(retired_at + 3600)

    assert after.verify(token, "at+jwt", retired_at + DAY - 2) is not None


def test_a_key_stays_as_long_as_the_worker_wrote_that_retired_it(make_keys):
    other = make_keys(longest_token_lifetime=5 * DAY)
    other.prepare(NOW)
    old = _signs(other, NOW)
    retired_at = other.rotate(NOW)
    other.prepare(retired_at)

    assert old in _kids(make_keys(), retired_at + 5 * DAY)


def test_the_dates_of_a_retired_key_are_written_down_and_its_row_goes_a_month_later(
    make_keys, memory
):
    keys = make_keys()
    keys.prepare(NOW)
    old = _signs(keys, NOW)
    retired_at = keys.rotate(NOW)
    expires_at = retired_at + DAY + CLOCK_SKEW

    keys.prepare(retired_at)
    assert (memory.rows[old].retired_at, memory.rows[old].expires_at) == (retired_at, expires_at)
    keys.prepare(expires_at + EXPIRED_KEPT - 1)
    assert old in memory.rows
    keys.prepare(expires_at + EXPIRED_KEPT)
    assert old not in memory.rows
    assert _states(keys, expires_at + EXPIRED_KEPT) == ["active"]


def test_upkeep_without_anything_due_writes_nothing(make_keys, memory):
    keys = make_keys()
    keys.prepare(NOW)
    keys.prepare(keys.rotate(NOW))
    written = memory.writes

    for minute in range(5):
        keys.prepare(NOW + DAY + 60 * minute)

    assert memory.writes == written


@pytest.mark.parametrize("alg", ["EdDSA", "RS256"])
def test_another_algorithm_starts_with_a_next_key_while_the_old_one_signs(make_keys, alg):
    make_keys(alg="ES256").prepare(NOW)
    keys = make_keys(alg=alg)
    keys.prepare(NOW + 10)

    assert [each.alg for each in keys.list(NOW + 10)] == ["ES256", alg]
    assert keys.signing_alg(NOW + 10 + DAY - 1) == "ES256"
    assert keys.signing_alg(NOW + 10 + DAY) == alg


def test_a_key_of_the_former_algorithm_that_waits_holds_up_no_other(make_keys):
    make_keys(alg="ES256").rotate(NOW)
    keys = make_keys(alg="EdDSA")
    keys.prepare(NOW + 10)

    assert [each.alg for each in keys.list(NOW + 10)] == ["ES256", "ES256", "EdDSA"]
    assert keys.signing_alg(NOW + 10 + DAY) == "EdDSA"


def test_two_workers_that_disagree_about_the_algorithm_do_not_fill_the_table(make_keys, memory):
    one, other = make_keys(alg="ES256"), make_keys(alg="EdDSA")

    for minute in range(100):
        one.prepare(NOW + 60 * minute)
        other.prepare(NOW + 60 * minute)

    assert len(memory.rows) <= 3


def test_a_worker_whose_clock_is_behind_signs_with_the_first_key_and_makes_none(make_keys, memory):
    ahead = make_keys()
    ahead.rotate(NOW)
    behind = make_keys()
    behind.prepare(NOW - 120)

    assert _signs(behind, NOW - 120) == _signs(ahead, NOW)
    assert len(memory.rows) == 2


def test_the_database_is_read_once_a_minute_not_once_a_token(make_keys, memory):
    keys = make_keys()
    keys.prepare(NOW)
    before = memory.reads

    for second in range(120):
        keys.sign("at+jwt", {"exp": NOW}, NOW + second)
        keys.jwks(NOW + second)

    assert memory.reads == before + 1


def test_other_workers_see_a_rotation_within_a_minute(make_keys):
    one, other = make_keys(), make_keys()
    one.prepare(NOW)
    assert len(_kids(other, NOW)) == 1

    one.rotate(NOW + 1)

    assert _kids(other, NOW + 60) == _kids(one, NOW + 60)
    assert len(_kids(other, NOW + 60)) == 2


def test_a_key_that_a_worker_does_not_know_yet_is_looked_up_at_once(make_keys, memory):
    one, other = make_keys(), make_keys()
    one.prepare(NOW)
    other.prepare(NOW)
    memory.alter(_signs(one, NOW), sealed="damaged")
    one.prepare(NOW + 1)
    token = one.sign("at+jwt", {"exp": NOW + 60}, NOW + 1)

    assert other.verify(token, "at+jwt", NOW + 2) is not None


def test_made_up_key_ids_cost_at_most_one_read_a_second(make_keys, memory):
    keys = make_keys()
    keys.prepare(NOW)
    real = keys.sign("at+jwt", {"exp": NOW + 60}, NOW)
    stranger = make_keys(store=MemoryStore())
    stranger.prepare(NOW)
    forged = stranger.sign("at+jwt", {"exp": NOW + 60}, NOW)
    before = memory.reads

    for _ in range(50):
        assert keys.verify(forged, "at+jwt", NOW + 1) is None
        assert keys.verify(real, "at+jwt", NOW + 1) is not None

    assert memory.reads == before + 1


def test_while_one_thread_reads_the_others_sign_on(make_keys):
    entered, leave = threading.Event(), threading.Event()

    class SlowStore(MemoryStore):
        slow = False

        @contextmanager
        def read(self):
            if self.slow:
                entered.set()
                assert leave.wait(10)
            yield self

    store = SlowStore()
    keys = make_keys(store=store)
    keys.prepare(NOW)
    store.slow = True
    reader = threading.Thread(target=keys.jwks, args=(NOW + 60,))
    reader.start()
    assert entered.wait(10)

    token = keys.sign("at+jwt", {"exp": NOW + 120}, NOW + 60)

    leave.set()
    reader.join()
    assert keys.verify(token, "at+jwt", NOW + 60) is not None


def test_a_lead_shorter_than_what_verifiers_cache_is_refused(make_keys):
    with pytest.raises(ValueError, match="published at least"):
        make_keys(publish_lead=359)
    with pytest.raises(ValueError, match="successor"):
        make_keys(publish_lead=DAY, rotation_interval=DAY)


def test_a_clock_that_was_years_ahead_once_delays_no_rotation(make_keys):
    keys = make_keys(publish_lead=DAY, rotation_interval=90 * DAY)
    keys.prepare(NOW)
    make_keys().prepare(NOW + 3650 * DAY)
    first = _signs(keys, NOW)

    assert keys.rotate(NOW) == NOW + DAY
    assert keys.rotate(NOW + 1) == NOW + DAY, "the key that waits is the next one"
    second = _signs(keys, NOW + DAY)
    keys.prepare(NOW + 90 * DAY)
    third = _signs(keys, NOW + 91 * DAY)

    assert len({first, second, third}) == 3
    assert _states(keys, NOW + 91 * DAY) == ["retired", "active", "next"]

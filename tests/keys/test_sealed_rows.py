"""What a stranger in the database, a lost sealing key or a damaged row can and cannot do"""

import json
import logging

import pytest

from authserver.keys.signing_keys import CLOCK_SKEW, DAY
from authserver.sealing import SealingKey, UnknownKey
from tests.keys.conftest import SEALING_KEY
from tests.keys.memory_store import MemoryStore

NOW = 1_800_000_000
OTHER_KEY = SealingKey.from_secret(b"another sealing key of 32 bytes..")


def _states(keys, now):
    return [each.state for each in keys.list(now)]


def _only(memory):
    (row,) = memory.rows.values()
    return row


@pytest.mark.parametrize("alg", ["ES256", "RS256", "EdDSA"])
def test_a_dump_of_the_table_holds_no_private_key(make_keys, memory, alg):
    keys = make_keys(alg=alg)
    keys.prepare(NOW)
    private = keys._rings.read(NOW).active(NOW).private.as_dict(private=True)
    dump = json.dumps([str(row) + row.sealed for row in memory.rows.values()])

    assert private["d"] not in dump
    with pytest.raises(UnknownKey):
        make_keys(sealing_keys=(OTHER_KEY,)).sign("at+jwt", {}, NOW)


def test_what_is_sealed_shows_in_no_repr(make_keys, memory):
    keys = make_keys()
    keys.prepare(NOW)
    active = keys._rings.read(NOW).active(NOW)

    shown = f"{keys!r} {active!r} {_only(memory)!r} {keys._rings.read(NOW)!r}"
    assert active.private.as_dict(private=True)["d"] not in shown
    assert _only(memory).sealed not in shown


@pytest.mark.parametrize("call", ["sign", "signing_alg", "jwks", "verify", "prepare", "rotate"])
def test_a_sealing_key_that_is_not_configured_stops_everything_and_makes_no_key(
    make_keys, memory, call
):
    before = make_keys()
    before.prepare(NOW)
    token = before.sign("at+jwt", {"exp": NOW + 60}, NOW)
    keys = make_keys(sealing_keys=(OTHER_KEY,))
    arguments = {"sign": ("at+jwt", {}), "verify": (token, "at+jwt")}.get(call, ())

    with pytest.raises(UnknownKey, match=SEALING_KEY.kid):
        getattr(keys, call)(*arguments, NOW)

    assert len(memory.rows) == 1


def test_an_expired_key_needs_no_sealing_key(make_keys):
    old = make_keys(sealing_keys=(OTHER_KEY,))
    old.prepare(NOW)
    retired_at = make_keys(sealing_keys=(SEALING_KEY, OTHER_KEY)).rotate(NOW)
    rolled = make_keys()

    with pytest.raises(UnknownKey):
        rolled.jwks(retired_at)
    expired = retired_at + DAY + CLOCK_SKEW
    assert len(rolled.jwks(expired)["keys"]) == 1
    assert _states(rolled, expired) == ["expired", "active"]


@pytest.mark.parametrize(
    "changes",
    [
        {"alg": "RS256"},
        {"created_at": NOW - 1},
        {"active_at": NOW - 1},
        {"sequence": 7},
        {"kid": "another"},
        {"sealed": "v1:damaged"},
    ],
)
def test_a_key_whose_row_was_altered_signs_nothing_and_another_one_is_made_at_once(
    make_keys, memory, changes, caplog
):
    make_keys().prepare(NOW)
    damaged = _only(memory)
    memory.alter(damaged.kid, **changes)
    keys = make_keys()

    keys.prepare(NOW)

    assert _states(keys, NOW) == ["damaged", "active"]
    (published,) = keys.jwks(NOW)["keys"]
    assert published["kid"] != damaged.kid
    assert keys.verify(keys.sign("at+jwt", {"exp": NOW + 1}, NOW), "at+jwt", NOW) is not None
    assert {record.levelno for record in caplog.records} == {logging.ERROR}
    assert damaged.sealed not in caplog.text


def test_two_keys_whose_sealed_values_were_swapped_are_both_damaged(make_keys, memory):
    keys = make_keys()
    keys.rotate(NOW)
    first, second = memory.signing_keys()
    memory.alter(first.kid, sealed=second.sealed)
    memory.alter(second.kid, sealed=first.sealed)

    assert _states(keys, NOW) == ["damaged", "damaged"]


def test_a_damaged_key_costs_the_others_nothing(make_keys, memory):
    keys = make_keys()
    keys.prepare(NOW)
    token = keys.sign("at+jwt", {"exp": NOW + 3 * DAY}, NOW)
    first = _only(memory)
    retired_at = keys.rotate(NOW)
    memory.alter(first.kid, sealed=first.sealed[:-1])
    keys.prepare(retired_at)

    assert _states(keys, retired_at) == ["damaged", "active"]
    assert keys.verify(token, "at+jwt", retired_at) is None
    assert len(memory.rows) == 2


def test_a_key_that_was_damaged_while_it_waited_is_replaced_before_its_turn(make_keys, memory):
    keys = make_keys()
    keys.prepare(NOW)
    active = _only(memory)
    signs_at = keys.rotate(NOW)
    waiting = memory.signing_keys()[-1]
    memory.alter(waiting.kid, sealed="v1:damaged")

    keys.prepare(NOW + 3600)

    assert _states(keys, NOW + 3600) == ["active", "damaged", "next"]
    assert len(keys.jwks(NOW + 3600)["keys"]) == 2
    keys.sign("at+jwt", {}, signs_at)
    assert _states(keys, signs_at)[-1] == "active"
    keys.prepare(signs_at)
    assert len(memory.rows) == 3
    assert memory.rows[active.kid].retired_at == signs_at


def test_a_retired_key_does_not_sign_again_when_its_successor_is_damaged(make_keys, memory):
    keys = make_keys()
    keys.prepare(NOW)
    old = _only(memory)
    later = keys.rotate(NOW) + 60
    keys.prepare(later)
    memory.alter(memory.signing_keys()[-1].kid, sealed="v1:damaged")
    worker = make_keys()

    worker.prepare(later)

    token = worker.sign("at+jwt", {"exp": later + 60}, later)
    assert old.kid != worker.list(later)[-1].kid
    assert worker.verify(token, "at+jwt", later) is not None
    assert _states(worker, later) == ["retired", "damaged", "active"]


def test_resealing_keeps_the_keys_and_frees_the_old_sealing_key(make_keys, memory):
    make_keys(sealing_keys=(OTHER_KEY,)).rotate(NOW)
    rolling = make_keys(sealing_keys=(SEALING_KEY, OTHER_KEY))
    published = rolling.jwks(NOW)

    assert rolling.reseal(NOW) == 2
    assert rolling.reseal(NOW) == 0
    assert make_keys(sealing_keys=(SEALING_KEY,)).jwks(NOW) == published


def test_resealing_leaves_a_value_that_changed_meanwhile(make_keys):
    class BusyStore(MemoryStore):
        def reseal_signing_key(self, kid, *, old, new):
            self.alter(kid, sealed=old + "x")
            return super().reseal_signing_key(kid, old=old, new=new)

    store = BusyStore()
    make_keys(store, sealing_keys=(OTHER_KEY,)).prepare(NOW)

    assert make_keys(store, sealing_keys=(SEALING_KEY, OTHER_KEY)).reseal(NOW) == 0
    assert _only(store).sealed.endswith("x")

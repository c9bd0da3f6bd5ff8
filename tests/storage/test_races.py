"""Whatever is used once has one winner: among threads, and among processes of one database"""

import threading
from collections import Counter
from typing import Any

import pytest

from tests.storage import racing
from tests.storage.values import NOW, a_client, a_code, a_grant, a_pending

ROUNDS = 8
PRIZES = [str(number) for number in range(1, ROUNDS + 1)]
RACES = [
    racing.spend_code,
    racing.rotate,
    racing.decide_pending,
    racing.spend_upstream_login,
    racing.spend_logout_token,
    racing.add_signing_key,
    racing.renew_client,
    racing.update_client,
    racing.update_or_delete_client,
]
EACH_ONCE = Counter(dict.fromkeys(PRIZES, 1))


@pytest.fixture(autouse=True)
def prizes(store):
    with store.write() as tx:
        for prize in PRIZES:
            tx.add_code(a_code(prize))
            tx.add_grant(a_grant(prize, handle=prize))
            tx.add_pending(a_pending(prize))
            tx.add_upstream_login(prize, prize, NOW, NOW + 60)
            tx.add_client(a_client(f"updated-{prize}"), "first")
            tx.add_client(a_client(f"ended-{prize}"), "first")


@pytest.mark.spec("RFC 9700", "4.14.2")
@pytest.mark.parametrize("race", RACES, ids=lambda race: race.__name__)
def test_twenty_threads_have_one_winner(store, race):
    assert racing.race_in_threads(store, race, PRIZES, racers=20) == EACH_ONCE


def test_two_processes_have_one_winner(database_url, store):
    won = racing.race_in_processes(database_url, RACES, PRIZES)
    assert won == {(race.__name__, prize): 1 for race in RACES for prize in PRIZES}


def test_rotations_of_many_threads_are_counted_one_by_one(store):
    """Each reads the generation and tries it: what is lost by one is not overwritten by another."""

    def rotate_as_read(store, handle):
        with store.read() as reads:
            generation = reads.grant_by_handle(handle).generation
        with store.write() as tx:
            return tx.rotate(handle, generation, NOW, NOW + 60, ("user:user-1",)) is not None

    won = racing.race_in_threads(store, rotate_as_read, ["1"] * 20, racers=6)
    with store.read() as reads:
        assert reads.grant_by_handle("1").generation == won["1"] >= 20


def test_an_epoch_counts_every_one_of_many_revocations(store):
    def revoke(store, subject):
        with store.write() as tx:
            tx.bump_epoch(subject)
        return True

    racing.race_in_threads(store, revoke, ["user:user-1"] * 5, racers=10)
    with store.read() as reads:
        assert reads.epoch_sum(("user:user-1",)) == 50


def test_logins_of_one_new_user_at_once_make_one_user(store):
    subs = set()

    def login(store, prize):
        profile: dict[str, Any] = {
            "name": None,
            "email": None,
            "email_verified": False,
            "claims": {},
        }
        with store.write() as tx:
            new_sub = f"{prize}-{threading.get_ident()}"
            user = tx.save_user("https://idp.example", "u1", now=NOW, new_sub=new_sub, **profile)
        subs.add(user.sub)
        return True

    racing.race_in_threads(store, login, PRIZES, racers=10)
    assert len(subs) == 1

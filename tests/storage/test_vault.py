"""The vault's rows: one per user and resource, refreshed by whoever holds the lease"""

from dataclasses import replace
from typing import Any

import pytest

from authserver.oauth import epoch
from authserver.storage.purge import purge
from tests.storage.racing import race_in_threads
from tests.storage.values import DAY, HOUR, NOW, RESOURCE, SUBJECTS, a_code, a_grant, some_tokens

ROW = "tokens-1"
NEW: dict[str, Any] = {
    "access_token": "a2",
    "refresh_token": "r2",
    "scope": ("x",),
    "expires_at": NOW + 9,
}


@pytest.fixture
def kept(store):
    with store.write() as tx:
        tx.keep_upstream_tokens(some_tokens())
    return store


def _row(store, digest=ROW):
    with store.read() as reads:
        return reads.upstream_tokens(digest)


def _take(store, seen=None, lease="mine", now=NOW):
    with store.write() as tx:
        return tx.take_lease(seen or some_tokens(), lease, now + 30, now)


def test_tokens_are_returned_as_they_were_kept(kept):
    assert _row(kept) == some_tokens()
    assert _row(kept, "another") is None


def test_a_new_sign_in_replaces_the_row_and_ends_the_lease_on_it(kept):
    assert _take(kept)
    newer = some_tokens(access_token="newer", refresh_token=None, id_token=None)
    with kept.write() as tx:
        tx.keep_upstream_tokens(newer)
        assert tx.store_refreshed(ROW, "mine", **NEW) is False
        assert tx.forget_upstream_tokens(ROW, "mine") is False
    assert _row(kept) == newer


def test_a_lease_is_held_by_one_until_it_is_given_back(kept):
    assert _take(kept)
    assert not _take(kept, lease="another")
    with kept.write() as tx:
        assert tx.release_lease(ROW, "another") is False
        assert tx.release_lease(ROW, "mine") is True
    assert _row(kept) == some_tokens()
    assert _take(kept, lease="another")


def test_a_lease_that_nobody_gave_back_ends_by_itself(kept):
    assert _take(kept)
    assert not _take(kept, lease="another", now=NOW + 29)
    assert _take(kept, lease="another", now=NOW + 30)
    with kept.write() as tx:
        assert tx.store_refreshed(ROW, "mine", **NEW) is False


@pytest.mark.parametrize("stale", ["access_token", "refresh_token"])
def test_who_read_the_tokens_before_they_changed_gets_no_lease(kept, stale):
    assert not _take(kept, seen=some_tokens(**{stale: "what it was before"}))


def test_tokens_that_cannot_be_refreshed_have_no_lease(store):
    alone = some_tokens(refresh_token=None)
    with store.write() as tx:
        tx.keep_upstream_tokens(alone)
    assert not _take(store, seen=alone)


def test_of_many_that_want_the_lease_one_gets_it(store):
    prizes = [f"row-{number}" for number in range(8)]
    with store.write() as tx:
        for prize in prizes:
            tx.keep_upstream_tokens(some_tokens(prize))

    def run(store, prize):
        return _take(store, seen=some_tokens(prize))

    assert set(race_in_threads(store, run, prizes, racers=4).values()) == {1}


def test_rotated_tokens_are_stored_first_and_confirmed_then(kept):
    assert _take(kept)
    with kept.write() as tx:
        assert tx.store_refreshed(ROW, "mine", **NEW)
    stored = replace(some_tokens(**NEW), lease="mine", lease_expires_at=NOW + 30)
    assert _row(kept) == stored
    assert not _take(kept, seen=stored, lease="another")
    with kept.write() as tx:
        assert tx.confirm_refreshed(ROW, "mine", id_token="i2", expires_at=NOW + HOUR)
    assert _row(kept) == some_tokens(**{**NEW, "expires_at": NOW + HOUR}, id_token="i2")


def test_refused_tokens_are_forgotten_by_the_holder_of_the_lease(kept):
    assert _take(kept)
    with kept.write() as tx:
        assert tx.forget_upstream_tokens(ROW, "another") is False
        assert tx.forget_upstream_tokens(ROW, "mine") is True
    assert _row(kept) is None


def test_tokens_of_resources_that_ask_for_none_are_forgotten(kept):
    with kept.write() as tx:
        tx.keep_upstream_tokens(some_tokens("tokens-2", resource="https://wiki.example/mcp"))
        assert tx.forget_upstream_tokens_but((RESOURCE,)) == 1
        assert tx.forget_upstream_tokens_but(()) == 1


def test_what_depends_on_refused_tokens_ends_and_nothing_else(store):
    wiki = "https://wiki.example/mcp"
    with store.write() as tx:
        tx.add_grant(a_grant())
        tx.add_grant(a_grant("of-another-client", client_id="client-2"))
        tx.add_grant(a_grant("elsewhere", resource=wiki))
        tx.add_grant(a_grant("of-another-user", sub="user-2"))
        tx.add_code(a_code(client_id="client-3"))
        tx.add_grant(a_grant("expired", client_id="client-4", expires_at=NOW))
        assert tx.end_dependent_grants("user-1", RESOURCE, NOW) == 3

    def live(grant):
        with store.read() as reads:
            return reads.grant_is_live(grant.id, grant.epoch_subjects, NOW)

    assert not live(a_grant())
    assert not live(a_grant("of-another-client", client_id="client-2"))
    assert live(a_grant("elsewhere", resource=wiki))
    assert live(a_grant("of-another-user", sub="user-2"))
    with store.write() as tx:
        subjects = epoch.of_grant("user-1", "client-3", RESOURCE, "sid-1")
        assert tx.spend_code("code-1", NOW, subjects) is False


def test_tokens_are_purged_a_day_after_the_last_grant_that_may_use_them(store):
    def purged(now):
        return purge(store, now, unused_lifetime=7 * DAY, idle_lifetime=90 * DAY)["upstream tokens"]

    with store.write() as tx:
        tx.keep_upstream_tokens(some_tokens())
        tx.keep_upstream_tokens(some_tokens("of-nobody", sub="user-2"))
        tx.add_grant(a_grant())
    assert purged(NOW + DAY - 1) == 0
    assert purged(NOW + DAY) == 1
    assert purged(NOW + 30 * DAY + HOUR - 1) == 0
    assert purged(NOW + 30 * DAY + HOUR) == 1


def test_revoked_grants_keep_no_tokens(store):
    with store.write() as tx:
        tx.keep_upstream_tokens(some_tokens())
        tx.add_grant(a_grant())
        tx.revoke_grant("grant-1", NOW)
    deleted = purge(store, NOW + DAY, unused_lifetime=7 * DAY, idle_lifetime=90 * DAY)
    assert deleted["upstream tokens"] == 1


def test_no_token_is_shown():
    assert "v1:" not in repr(some_tokens(lease="v1:lease"))


def test_a_rotation_notes_the_key_of_the_new_refresh_token(store):
    with store.write() as tx:
        tx.add_grant(a_grant(refresh_kid="0a0a0a0a"))
        rotated = tx.rotate("handle-of-grant-1", 0, NOW, NOW + DAY, SUBJECTS, refresh_kid="new")
        assert rotated.refresh_kid == "new"
        assert tx.grant("grant-1").refresh_kid == "new"

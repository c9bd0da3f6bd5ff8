import dataclasses

import pytest

from authserver.oauth import epoch
from tests.storage.values import DAY, HOUR, NOW, RESOURCE, SUBJECTS, a_code, a_grant

NOBODYS = epoch.of_grant("user-1", "client-1", RESOURCE, None)
OTHERS = epoch.of_grant("user-2", "client-2", "https://wiki.example/mcp", "sid-2")
IDLE = NOW + 60 * DAY


@pytest.mark.parametrize("code", [a_code(), a_code(nonce=None, upstream_sid=None)])
def test_a_code_is_returned_as_it_was_issued(store, code):
    with store.write() as tx:
        tx.add_code(code)
    with store.read() as reads:
        assert reads.code("code-1") == code
        assert reads.code("code-2") is None


@pytest.mark.spec("OAuth 2.1", "4.1.3")
def test_a_code_is_spent_once(store):
    with store.write() as tx:
        tx.add_code(a_code())
        assert tx.spend_code("code-1", NOW, SUBJECTS) is True
        assert tx.spend_code("code-1", NOW + 1, SUBJECTS) is False
        assert tx.code("code-1") == a_code(spent_at=NOW)


@pytest.mark.parametrize(("later", "spent"), [(0, True), (59, True), (60, False), (HOUR, False)])
def test_a_code_is_spent_only_before_its_end(store, later, spent):
    with store.write() as tx:
        tx.add_code(a_code())
        assert tx.spend_code("code-1", NOW + later, SUBJECTS) is spent
        assert (tx.code("code-1").spent_at is not None) is spent


@pytest.mark.parametrize("jump", [-HOUR, HOUR], ids=["back", "forward"])
def test_a_spent_code_shows_after_a_restart_and_a_jump_of_the_clock(database_url, store, jump):
    with store.write() as tx:
        tx.add_code(a_code())
        tx.spend_code("code-1", NOW, SUBJECTS)
    store.close()
    restarted = type(store).open(database_url)
    with restarted.write() as tx:
        assert tx.spend_code("code-1", NOW + jump, SUBJECTS) is False
        assert tx.code("code-1").spent_at == NOW
    restarted.close()


@pytest.mark.parametrize("revoked", SUBJECTS, ids=["user", "client", "consent", "sid"])
def test_nothing_issued_before_a_revocation_is_spent_rotated_or_live(store, revoked):
    with store.write() as tx:
        tx.add_code(a_code())
        tx.add_grant(a_grant())
        tx.bump_epoch(revoked)
        assert tx.spend_code("code-1", NOW, SUBJECTS) is False
        assert tx.rotate("handle-of-grant-1", 0, NOW, IDLE, SUBJECTS) is None
        assert tx.grant_is_live("grant-1", SUBJECTS, NOW) is False


def test_what_is_issued_after_a_revocation_holds(store):
    with store.write() as tx:
        tx.bump_epoch(SUBJECTS[0])
        tx.bump_epoch(SUBJECTS[3])
        epochs = tx.epoch_sum(SUBJECTS)
        assert epochs == 2
        tx.add_code(a_code(epochs=epochs))
        tx.add_grant(a_grant(epochs=epochs))
        assert tx.spend_code("code-1", NOW, SUBJECTS) is True
        assert tx.rotate("handle-of-grant-1", 0, NOW, IDLE, SUBJECTS) is not None
        assert tx.grant_is_live("grant-1", SUBJECTS, NOW) is True


def test_a_revocation_of_somebody_else_changes_nothing(store):
    with store.write() as tx:
        tx.add_grant(a_grant())
        for subject in OTHERS:
            tx.bump_epoch(subject)
        assert tx.rotate("handle-of-grant-1", 0, NOW, IDLE, SUBJECTS) is not None


def test_a_grant_is_found_by_its_id_and_by_its_handle(store):
    without_sid = a_grant("grant-2", upstream_sid=None)
    with store.write() as tx:
        tx.add_grant(a_grant())
        tx.add_grant(without_sid)
    with store.read() as reads:
        assert reads.grant("grant-1") == reads.grant_by_handle("handle-of-grant-1") == a_grant()
        assert reads.grant("grant-2") == reads.grant_by_handle("handle-of-grant-2") == without_sid
        assert reads.grant("handle-of-grant-1") is reads.grant_by_handle("grant-1") is None


@pytest.mark.spec("OAuth 2.1", "4.3.1")
def test_a_rotation_moves_to_the_next_generation_and_changes_nothing_else(store):
    with store.write() as tx:
        tx.add_grant(a_grant())
        tx.add_grant(a_grant("grant-2"))
        rotated = tx.rotate("handle-of-grant-1", 0, NOW + 7, IDLE, SUBJECTS)
        assert rotated == dataclasses.replace(
            a_grant(), generation=1, rotated_at=NOW + 7, idle_expires_at=IDLE
        )
        assert tx.grant("grant-1") == rotated
        assert tx.grant("grant-2") == a_grant("grant-2")


def test_a_generation_is_rotated_once(store):
    with store.write() as tx:
        tx.add_grant(a_grant())
        assert tx.rotate("handle-of-grant-1", 0, NOW, IDLE, SUBJECTS) is not None
        assert tx.rotate("handle-of-grant-1", 0, NOW, IDLE, SUBJECTS) is None
        assert tx.rotate("handle-of-grant-1", 1, NOW, IDLE, SUBJECTS).generation == 2
        assert tx.rotate("handle-of-grant-1", 9, NOW, IDLE, SUBJECTS) is None


def test_a_generation_counts_as_far_as_a_token_can_name_it(store):
    with store.write() as tx:
        tx.add_grant(a_grant(generation=2**32 - 2))
        rotated = tx.rotate("handle-of-grant-1", 2**32 - 2, NOW, IDLE, SUBJECTS)
        assert rotated.generation == 2**32 - 1


@pytest.mark.parametrize("jump", [-HOUR, HOUR], ids=["back", "forward"])
def test_a_used_generation_shows_after_a_restart_and_a_jump_of_the_clock(database_url, store, jump):
    with store.write() as tx:
        tx.add_grant(a_grant())
        tx.rotate("handle-of-grant-1", 0, NOW, IDLE, SUBJECTS)
    store.close()
    restarted = type(store).open(database_url)
    with restarted.write() as tx:
        assert tx.rotate("handle-of-grant-1", 0, NOW + jump, IDLE, SUBJECTS) is None
        assert tx.grant("grant-1").generation == 1
    restarted.close()


@pytest.mark.parametrize("end", ["expires_at", "idle_expires_at"])
def test_a_grant_is_not_rotated_past_its_ends(store, end):
    with store.write() as tx:
        tx.add_grant(a_grant("grant-1", **{end: NOW + 10}))
        assert tx.rotate("handle-of-grant-1", 0, NOW + 10, IDLE, SUBJECTS) is None
        assert tx.rotate("handle-of-grant-1", 0, NOW + 9, IDLE, SUBJECTS) is not None


def test_a_revoked_grant_is_neither_rotated_nor_live(store):
    with store.write() as tx:
        tx.add_grant(a_grant())
        tx.add_grant(a_grant("grant-2"))
        assert tx.revoke_grant("grant-1", NOW) is True
        assert tx.revoke_grant("grant-1", NOW + 5) is False
        assert tx.grant("grant-1").revoked_at == NOW
        assert tx.rotate("handle-of-grant-1", 0, NOW, IDLE, SUBJECTS) is None
        assert tx.grant_is_live("grant-1", SUBJECTS, NOW) is False
        assert tx.grant_is_live("grant-2", SUBJECTS, NOW) is True
        assert tx.revoke_grant("grant-3", NOW) is False


def test_an_access_token_outlives_the_idle_end_of_its_grant_but_not_the_absolute_one(store):
    with store.write() as tx:
        tx.add_grant(a_grant(idle_expires_at=NOW + 1, expires_at=NOW + 10))
        assert tx.grant_is_live("grant-1", SUBJECTS, NOW + 9) is True
        assert tx.grant_is_live("grant-1", SUBJECTS, NOW + 10) is False
        assert tx.grant_is_live("grant-2", SUBJECTS, NOW) is False


def test_a_grant_without_an_upstream_session_does_not_depend_on_one(store):
    with store.write() as tx:
        tx.add_grant(a_grant(upstream_sid=None))
        tx.bump_epoch(SUBJECTS[3])
        assert tx.rotate("handle-of-grant-1", 0, NOW, IDLE, NOBODYS) is not None
        tx.bump_epoch(epoch.without_upstream_session("user-1"))
        assert tx.rotate("handle-of-grant-1", 1, NOW, IDLE, NOBODYS) is None


def test_spending_and_rotating_are_one_statement_each(store):
    with store.write() as tx:
        tx.add_code(a_code())
        tx.add_grant(a_grant())
    with store.counting() as count:
        with store.write() as tx:
            tx.spend_code("code-1", NOW, SUBJECTS)
        with store.write() as tx:
            tx.rotate("handle-of-grant-1", 0, NOW, IDLE, SUBJECTS)
    assert [each.split()[0] for each in count.statements] == ["UPDATE", "UPDATE"]
    assert count.commits == 2


def test_epochs_only_count_up_and_are_summed_over_distinct_subjects(store):
    with store.write() as tx:
        assert tx.epoch_sum(("user:a",)) == 0
        tx.bump_epoch("user:a")
        tx.bump_epoch("user:a")
        tx.bump_epoch("client:b")
    with store.read() as reads:
        assert reads.epoch_sum(("user:a",)) == 2
        assert reads.epoch_sum(("user:a", "client:b")) == 3
        assert reads.epoch_sum(("user:a", "client:b", "consent:c", "sid:d")) == 3


@pytest.mark.parametrize("subjects", [(), ("a", "b", "c", "d", "e")])
def test_a_sum_over_more_counters_than_the_statement_has_is_refused(store, subjects):
    with store.read() as reads, pytest.raises(ValueError, match="one to four"):
        reads.epoch_sum(subjects)

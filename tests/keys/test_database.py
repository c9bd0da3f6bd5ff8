"""Workers that meet in one database: threads, processes, and how much they ask of it"""

import threading

import pytest
from joserfc import jws

from tests.keys.worker import work
from tests.processes import context

NOW = 1_800_000_000


def _rows(store):
    with store.read() as reads:
        return reads.signing_keys()


def _kid(token):
    return jws.extract_compact(token.encode()).headers()["kid"]


@pytest.mark.spec("RFC 7517", "5")
def test_processes_that_start_on_an_empty_database_together_make_one_key(database_url, store):
    ready, signed_with = context.Barrier(3), context.SimpleQueue()
    workers = [
        context.Process(target=work, args=(database_url, ready, signed_with)) for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0

    (row,) = _rows(store)
    assert {signed_with.get() for _ in workers} == {row.kid}


def test_threads_that_start_on_an_empty_database_together_make_one_key(make_keys, store):
    barrier = threading.Barrier(8)
    signed_with = []

    def start():
        keys = make_keys(store)
        barrier.wait()
        keys.prepare(NOW)
        signed_with.append(_kid(keys.sign("at+jwt", {"exp": NOW + 60}, NOW)))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (row,) = _rows(store)
    assert signed_with == [row.kid] * 8


def test_workers_that_rotate_together_make_one_next_key(make_keys, store):
    make_keys(store).prepare(NOW)
    barrier = threading.Barrier(4)
    moments = []

    def rotate():
        keys = make_keys(store)
        barrier.wait()
        moments.append(keys.rotate(NOW + 1))

    threads = [threading.Thread(target=rotate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(_rows(store)) == 2
    assert moments == [_rows(store)[1].active_at] * 4


def test_a_whole_life_passes_through_the_database(make_keys, store):
    keys = make_keys(store)
    keys.prepare(NOW)
    token = keys.sign("at+jwt", {"exp": NOW + 86400 + 900}, NOW)
    signs_at = keys.rotate(NOW)
    keys.prepare(signs_at)
    restarted = make_keys(store)

    assert [each.state for each in restarted.list(signs_at)] == ["retired", "active"]
    assert restarted.verify(token, "at+jwt", signs_at) is not None
    assert _rows(store)[0].retired_at == signs_at
    restarted.prepare(signs_at + 90 * 86400)
    assert [each.state for each in restarted.list(signs_at + 90 * 86400)] == ["active", "next"]


def test_signing_and_publishing_ask_the_database_nothing_within_the_minute(make_keys, store):
    keys = make_keys(store)
    keys.prepare(NOW)

    with store.counting() as count:
        for _ in range(10):
            token = keys.sign("at+jwt", {"exp": NOW + 60}, NOW)
            assert keys.verify(token, "at+jwt", NOW) is not None
            keys.jwks(NOW)

    assert (count.statements, count.commits) == ([], 0)


def test_upkeep_with_nothing_due_reads_once_and_commits_nothing(make_keys, store):
    keys = make_keys(store)
    keys.prepare(NOW)

    with store.counting() as count:
        keys.prepare(NOW + 60)

    assert (len(count.statements), count.commits) == (1, 0)

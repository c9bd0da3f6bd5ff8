"""What is kept for most of its life, the newest few, and asked for once"""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from authserver.kept import Kept, NotAsked


class Crowd:
    """Threads that all want one key; the one who fetches does so when the others wait for it."""

    def __init__(self, size=8):
        self.kept: Kept[int] = Kept()
        self._size = size
        self._begin = threading.Barrier(size)
        self._waiting = threading.Semaphore(0)
        self.fetched = []

    @contextmanager
    def waiting(self):
        self._waiting.release()
        yield

    def after_all_wait(self):
        self.fetched.append(1)
        for _ in range(self._size - 1):
            assert self._waiting.acquire(timeout=20)

    def ask(self, fetch):
        """Return what each of them got, an exception where one was raised."""

        def one(_):
            self._begin.wait(20)
            try:
                return self.kept.get("a", 0, fetch, waiting=self.waiting)
            except LookupError as error:
                return error

        with ThreadPoolExecutor(self._size) as pool:
            return list(pool.map(one, range(self._size)))


def test_a_value_is_given_out_for_80_percent_of_its_life():
    kept: Kept[str] = Kept()
    kept.keep("a", "value", 1100, 1000)
    assert [kept.find("a", now) for now in (1000, 1079, 1080)] == ["value", "value", None]
    kept.forget("a")
    assert kept.find("a", 1000) is None


def test_or_for_all_of_it():
    kept: Kept[str] = Kept(share=1.0)
    kept.keep("a", "value", 1100, 1000)
    assert [kept.find("a", now) for now in (1099, 1100)] == ["value", None]


def test_what_was_not_used_is_forgotten_first():
    kept: Kept[str] = Kept(size=2)
    for key in ("a", "b"):
        kept.keep(key, "value", 1000, 0)
    kept.find("a", 0)
    kept.keep("c", "value", 1000, 0)
    assert [kept.find(key, 0) is not None for key in "abc"] == [True, False, True]


def test_of_many_threads_one_fetches_and_no_flight_is_left():
    crowd = Crowd()

    def fetch():
        crowd.after_all_wait()
        return 7, 1000

    assert crowd.ask(fetch) == [7] * 8
    assert (len(crowd.fetched), crowd.kept._flights) == (1, {})


def test_who_waited_gets_the_failure_too_and_asks_no_more():
    crowd = Crowd()

    def fetch():
        crowd.after_all_wait()
        raise LookupError

    assert {type(each) for each in crowd.ask(fetch)} == {LookupError}
    assert (len(crowd.fetched), crowd.kept._flights) == (1, {})


def test_a_failure_is_raised_and_not_kept():
    kept: Kept[str] = Kept()

    def fail():
        raise LookupError

    with pytest.raises(LookupError):
        kept.get("a", 0, fail)
    assert kept.get("a", 0, lambda: ("value", 1000)) == "value"
    assert kept._flights == {}


@pytest.mark.parametrize("stopped", [NotAsked(LookupError("of this asker")), SystemExit()])
def test_where_one_was_not_let_ask_another_one_does(stopped):
    kept: Kept[str] = Kept()
    flying, waits = threading.Event(), threading.Event()

    def stop():
        flying.set()
        assert waits.wait(20)
        raise stopped

    @contextmanager
    def waiting():
        waits.set()
        yield

    with ThreadPoolExecutor(1) as pool:
        first: Future[str] = pool.submit(kept.get, "a", 0, stop)
        assert flying.wait(20)
        assert kept.get("a", 0, lambda: ("value", 1000), waiting=waiting) == "value"
        raised = first.exception(20)
    assert isinstance(raised, LookupError | SystemExit)
    assert kept._flights == {}


def test_who_may_not_wait_is_told_so_and_the_one_who_asks_goes_on():
    kept: Kept[str] = Kept()
    flying, end = threading.Event(), threading.Event()

    def fetch():
        flying.set()
        assert end.wait(20)
        return "value", 1000

    def refused():
        raise LookupError("no room")

    with ThreadPoolExecutor(1) as pool:
        first: Future[str] = pool.submit(kept.get, "a", 0, fetch)
        assert flying.wait(20)
        with pytest.raises(LookupError, match="no room"):
            kept.get("a", 0, fetch, waiting=refused)
        end.set()
        assert first.result(20) == "value"


def test_a_kept_value_that_is_due_is_fetched_anew():
    kept: Kept[str] = Kept()
    kept.keep("a", "old", 1000, 0)
    assert kept.get("a", 0, lambda: ("new", 1000), is_due="new".__eq__) == "old"
    assert kept.get("a", 0, lambda: ("new", 1000), is_due="old".__eq__) == "new"
    assert kept.find("a", 0) == "new"

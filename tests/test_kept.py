"""What is kept for most of its life, the newest few, and asked for once"""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from authserver.kept import Kept


def test_a_value_is_given_out_for_80_percent_of_its_life():
    kept: Kept[str] = Kept()
    kept.keep("a", "value", 1100, 1000)
    assert [kept.find("a", now) for now in (1000, 1079, 1080)] == ["value", "value", None]
    kept.forget("a")
    assert kept.find("a", 1000) is None


def test_what_was_not_used_is_forgotten_first():
    kept: Kept[str] = Kept(size=2)
    for key in ("a", "b"):
        kept.keep(key, "value", 1000, 0)
    kept.find("a", 0)
    kept.keep("c", "value", 1000, 0)
    assert [kept.find(key, 0) is not None for key in "abc"] == [True, False, True]


def test_of_many_threads_one_fetches_and_no_flight_is_left():
    kept: Kept[int] = Kept()
    fetched, begin = [], threading.Barrier(8)

    def fetch():
        fetched.append(1)
        while kept._flights["a"].passengers < 8:
            pass  # until all others wait
        return len(fetched), 1000

    def ask(_):
        begin.wait(10)
        return kept.get("a", 0, fetch)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {1}
    assert (len(fetched), kept._flights) == (1, {})


def test_a_failure_is_raised_and_not_kept():
    kept: Kept[str] = Kept()

    def fail():
        raise LookupError

    with pytest.raises(LookupError):
        kept.get("a", 0, fail)
    assert kept.get("a", 0, lambda: ("value", 1000)) == "value"
    assert kept._flights == {}

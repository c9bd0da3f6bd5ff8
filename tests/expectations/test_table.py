"""docs/expectations.md is complete, and the tests that it names are there"""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
PAGE = TESTS.parent / "docs" / "expectations.md"
ROW = re.compile(r"^\| ([A-Z]{2})-(\d+) \| (.+) \| (.+) \|$", re.MULTILINE)
NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
ROWS = ROW.findall(PAGE.read_text(encoding="utf-8"))


def names_in(path):
    return set(re.findall(r"^def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE))


COUNTS = {"TB": 22, "BD": 26, "RV": 20, "TX": 7, "LD": 20, "TA": 14, "LE": 11, "IS": 6}


@pytest.mark.parametrize(("kind", "count"), COUNTS.items())
def test_the_rows_are_numbered_without_a_gap(kind, count):
    numbers = [int(number) for each, number, _, _ in ROWS if each == kind]
    assert numbers == list(range(1, count + 1))


def test_each_row_names_tests_that_are_there_or_what_it_waits_for():
    missing = []
    for kind, number, _, shown_by in ROWS:
        named = NAMED.findall(shown_by)
        if not named and not re.fullmatch(r"later: [a-z ]+", shown_by):
            missing.append(f"{kind}-{number}: nothing")
        missing += [
            f"{kind}-{number}: {path}::{name}"
            for path, name in named
            if not (TESTS / path).exists() or name not in names_in(TESTS / path)
        ]
    assert missing == []

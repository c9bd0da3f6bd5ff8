"""docs/threat-model.md is complete, and the attack tests agree with it."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "threat-model.md"
TESTS = ROOT / "tests"
NUMBERED = re.compile(r"def test_((?:\d+_)+)")
ROW = re.compile(r"\| (\d+) \|(.*)\|", re.MULTILINE)
LATER = re.compile(r"later: [A-Za-z_ ]+(?: \(.+\))?\Z")


def states():
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    return [(int(number), rest.split("|")[-1].strip()) for number, rest in rows]


def numbered_tests():
    """Return the numbers in the names of tests, which may bear several: `test_119_126_…`."""
    tests = (path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py"))
    named = (name for text in tests for name in NUMBERED.findall(text))
    return {int(number) for name in named for number in name.split("_") if number}


def test_the_cases_are_numbered_1_to_212_in_order():
    assert [number for number, _ in states()] == list(range(1, 213))


def test_each_case_is_built_or_says_what_it_waits_for():
    odd = [(number, state) for number, state in states() if not _is_state(state)]
    assert not odd


def test_a_case_is_built_where_a_test_bears_its_number():
    built = {number for number, state in states() if state == "built"}
    assert numbered_tests() == built


def test_each_row_has_a_situation_an_answer_and_a_source():
    for number, rest in ROW.findall(PAGE.read_text(encoding="utf-8")):
        cells = [cell.strip() for cell in rest.split("|")]
        assert len(cells) == 4, number
        assert all(cells), number


def _is_state(state):
    return state == "built" or LATER.match(state) is not None

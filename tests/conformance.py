"""Builds docs/conformance.md: each rule of a specification, and the tests that show it"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

import pytest

INTRODUCTION = """# Conformance

Which rule of which specification is shown by which test. Made by `make docs` from the `spec` marks
of the tests; a rule that is not here is not claimed.
"""

Rules = Mapping[tuple[str, str], set[str]]


def rules_of(items: Iterable[pytest.Item]) -> Rules:
    """Return the tests of each (document, section)."""
    rules: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for item in items:
        for marker in item.iter_markers("spec"):
            document, section = marker.args
            rules[document, section].add(item.nodeid.partition("[")[0])
    return rules


def page(rules: Rules) -> str:
    """Return the page, in the order in which a reader would look things up."""
    lines = [INTRODUCTION]
    document = None
    for (name, section), tests in sorted(rules.items(), key=lambda rule: _order(rule[0])):
        if name != document:
            lines += [f"\n## {name}\n", "| Section | Test |", "| --- | --- |"]
            document = name
        lines += [f"| {section} | {_sentence(test)} |" for test in sorted(tests)]
    return "\n".join(lines) + "\n"


def _order(rule: tuple[str, str]) -> tuple[str, list[tuple[int, str]]]:
    document, section = rule
    parts = re.split(r"[.\s]", section)
    return document, [(int(part) if part.isdigit() else 0, part) for part in parts]


def _sentence(test: str) -> str:
    path, _, name = test.partition("::")
    words = name.removeprefix("test_").replace("_", " ")
    return f"{words} ([{path.removeprefix('tests/')}](../{path}))"

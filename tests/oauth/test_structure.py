"""Rules for every module of the protocol: no slow regular expression, titles with their RFC"""

import ast
import importlib
import re
from pathlib import Path
from typing import Any

import pytest

import authserver.oauth

FOLDER = Path(authserver.oauth.__file__).parent
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
PARSER: Any = getattr(re, "_parser")  # noqa: B009 - private, and typed nowhere
SOURCE = re.compile(r"RFC \d{4}|OAuth 2\.1|OpenID Connect|Token Status List")


def _patterns(module):
    found = vars(importlib.import_module(f"authserver.oauth.{module}"))
    return [(name, value) for name, value in found.items() if isinstance(value, re.Pattern)]


EXPRESSIONS = {
    f"{module}.{name}": pattern for module in MODULES for name, pattern in _patterns(module)
}


def _parts(node):
    """The parts of a parsed regular expression directly below one."""
    if isinstance(node, PARSER.SubPattern):
        yield from node
    elif isinstance(node, tuple | list):
        for each in node:
            if isinstance(each, PARSER.SubPattern | tuple | list):
                yield from _parts(each) if not _is_operation(each) else (each,)


def _is_operation(node):
    return isinstance(node, tuple) and len(node) == 2 and hasattr(node[0], "name")


def _repeats_unbounded(node):
    """Whether something repeats without a bound anywhere in it."""
    return any(
        _unbounded(operation) or _repeats_unbounded(operation[1])
        for operation in _parts(node)
        if _is_operation(operation)
    )


def _unbounded(operation):
    code, argument = operation
    repeats = code.name in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}
    return repeats and argument[1] > 4096


def _nested(node):
    """Whether a repeat (of more than a few) holds an unbounded one: the catastrophic shape."""
    for operation in _parts(node):
        if not _is_operation(operation):
            continue
        code, argument = operation
        repeats = code.name in {"MAX_REPEAT", "MIN_REPEAT"} and argument[1] > 2
        if repeats and _repeats_unbounded(argument[2]):
            return True
        if _nested(argument):
            return True
    return False


@pytest.mark.parametrize(
    ("expression", "catastrophic"),
    [
        (r"(a+)+\Z", True), (r"(?:a*b?)*c", True), (r"(?:(?:x|a*)y){1,9}", True),
        (r"(?=(?:a+)+b)c", True), (r"x|(?:y(a+)*)", True),
        (r"a+b*\Z", False), (r"(?:a{1,9}\.){1,8}b*", False), (r"(?:a+)?b", False),
    ],
)  # fmt: skip
def test_the_judge_of_expressions_knows_the_catastrophic_shape(expression, catastrophic):
    assert _nested(PARSER.parse(expression)) is catastrophic


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_no_expression_has_a_repeat_within_an_unbounded_repeat(name):
    assert not _nested(PARSER.parse(EXPRESSIONS[name].pattern, EXPRESSIONS[name].flags))


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_no_expression_takes_a_digit_of_another_script_or_a_newline_at_the_end(name):
    pattern = EXPRESSIONS[name].pattern
    assert not re.search(r"\\d|\\w|\$", pattern)


def test_there_are_expressions_to_judge():
    assert len(EXPRESSIONS) > 10


@pytest.mark.parametrize("module", MODULES)
def test_the_first_line_of_a_module_names_its_source(module):
    tree = ast.parse((FOLDER / f"{module}.py").read_text())
    first = (ast.get_docstring(tree) or "").split("\n")[0]
    assert SOURCE.search(first), first


@pytest.mark.parametrize("module", MODULES)
def test_a_module_and_its_functions_stay_small(module):
    source = (FOLDER / f"{module}.py").read_text()
    assert source.count("\n") <= 200
    long = [
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= 35
    ]
    assert long == []


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_its_tests(module):
    assert (Path(__file__).parent / f"test_{module}.py").is_file()

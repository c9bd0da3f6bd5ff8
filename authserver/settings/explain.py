"""From pydantic's errors to problems in our words: the key, what is wrong, what to write"""

import difflib
import json
import re
from types import NoneType
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from authserver.settings import proposal
from authserver.settings.presets import presets
from authserver.settings.problem import CUSTOM, Problem
from authserver.settings.tables.client import ClientTable
from authserver.settings.tables.file import File
from authserver.settings.tables.upstream import TABLES

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")
_TYPES = {
    "string_type": ("is not a text", 'write it in quotes: "…"'),
    "int_type": ("is not an integer", "write a number without quotes"),
    "float_type": ("is not a number", "write a number without quotes"),
    "bool_type": ("is not true or false", "write true or false, without quotes"),
    "list_type": ("is not a list", "write it in square brackets: […]"),
    "dict_type": ("is not a table", "write a table: [NAME] or { key = value }"),
    "model_type": ("is not a table", "write a table: [NAME] or { key = value }"),
    "model_attributes_type": ("is not a table", "write a table: [NAME] or { key = value }"),
    "finite_number": ("is not a finite number", "write a number such as 5 or 2.5"),
}
_BOUNDS = {
    "greater_than_equal": ("is too small", "write {ge} or more"),
    "less_than_equal": ("is too large", "write {le} or less"),
    "too_short": ("has too few entries", "write at least {min_length}"),
    "too_long": ("has too many entries", "write at most {max_length}"),
}


_ALMOST = 0.9  # so alike that it is a slip of the keyboard


def explain(error: ValidationError) -> tuple[Problem, ...]:
    """Return a problem for each error; no text holds what was written but known words."""
    return tuple(_problem(each) for each in error.errors(include_url=False))


def spelled(location: tuple[int | str, ...]) -> str:
    """Return a location as it would be written in TOML, such as `a."b:c"[0]`."""
    text = ""
    for part in _written(location):
        if isinstance(part, int):
            text += f"[{part}]"
        elif part != "[key]":
            text += f".{part if _BARE.match(part) else json.dumps(part)}"
    return text.removeprefix(".")


def _written(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Return a location without the tag by which pydantic names the type of `[upstream]`."""
    is_tagged = location[:1] == ("upstream",) and location[1:2] and location[1] in TABLES
    return (location[0], *location[2:]) if is_tagged else location


def _problem(error: ErrorDetails) -> Problem:
    kind, context = error["type"], error.get("ctx", {})
    if kind == CUSTOM:
        words = str(context["message"]), str(context["remedy"])
    elif kind == "extra_forbidden":
        words = _unknown(error["loc"])
    elif kind == "missing":
        words = _missing(error)
    elif kind == "literal_error":
        words = _not_allowed(error)
    elif kind in _BOUNDS:
        message, remedy = _BOUNDS[kind]
        words = message, remedy.format(**context)
    elif kind in ("list_type", "dict_type"):
        words = _wrong_type(error)
    else:
        words = _TYPES.get(kind, ("is not valid", "see docs/configuration.md"))
    return Problem(spelled(error["loc"]), *words)


def _unknown(location: tuple[int | str, ...]) -> tuple[str, str]:
    known, key = list(_annotation(location[:-1]).model_fields), str(location[-1])
    place = proposal.place(key, _written(location[:-1]))
    close = difflib.get_close_matches(key, known, n=1)
    if close and difflib.SequenceMatcher(None, key, close[0]).ratio() > _ALMOST:
        place = ""
    remedies = f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}", place
    return "is not a known key", "; ".join(each for each in reversed(remedies) if each)


def _wrong_type(error: ErrorDetails) -> tuple[str, str]:
    """Say what is wanted in place of a text, by the example of the key where it has one."""
    message, remedy = _TYPES[error["type"]]
    *table, key = error["loc"]
    field = getattr(_annotation(tuple(table)), "model_fields", {}).get(str(key))
    example = field.examples[0] if field is not None and field.examples else ""
    bracket = "[" if error["type"] == "list_type" else "{"
    return message, f"{remedy.partition(':')[0]}: {example}" if example[:1] == bracket else remedy


def _missing(error: ErrorDetails) -> tuple[str, str]:
    location = error["loc"]
    field = _annotation(location[:-1]).model_fields[str(location[-1])]
    example = field.examples[0] if field.examples else "it"
    if field is ClientTable.model_fields["grant_types"]:
        example = proposal.grant_types(error["input"])
    named = error["input"].get("preset") if location[-1] == "issuer" else None
    preset = presets().get(named) if isinstance(named, str) else None
    if preset is not None and preset.issuer_example:
        example = f'"{preset.issuer_example}"'
    if example.startswith(('"', "{", "[")):
        return "is missing", f"write {location[-1]} = {example}"
    return "is missing", f"write {example}"


def _not_allowed(error: ErrorDetails) -> tuple[str, str]:
    allowed = [str(each) for each in get_args(_annotation(error["loc"]))]
    written = error["input"]
    close: list[str] = []
    if isinstance(written, str):
        tail = f":{written.replace('_', '-')}"
        close = [each for each in allowed if each.replace("_", "-").endswith(tail)]
        close = close or difflib.get_close_matches(written, allowed, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return "is not one of the allowed values", f"{hint}write one of: {', '.join(allowed)}"


def _annotation(location: tuple[int | str, ...]) -> Any:  # noqa: ANN401  (a model or a type)
    """Return the model or type at a location: of a field, a member of a table, a list's entry."""
    found: Any = File
    for part in location:
        if isinstance(found, type) and issubclass(found, BaseModel):
            found = found.model_fields[str(part)].annotation
        elif part in TABLES and TABLES["oidc"] in map(_bare, get_args(found)):
            found = TABLES[str(part)]
        else:
            found = get_args(found)[-1]
        found = _bare(found)
    return found


def _bare(annotation: Any) -> Any:  # noqa: ANN401
    """Return a type without its annotations, and without the None of a key that may be absent."""
    while getattr(annotation, "__metadata__", None) or NoneType in get_args(annotation):
        annotation = get_args(annotation)[0]
    return annotation

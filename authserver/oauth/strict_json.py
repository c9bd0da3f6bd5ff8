"""JSON from strangers: no duplicate names, no NaN, bounded depth: RFC 8259 §4, §6, §9."""

import json
import math
from typing import NoReturn

_MAX_DEPTH = 16


def parse_object(text: bytes | str) -> dict[str, object]:
    """Parse one JSON object; raises ValueError (with no input in its text) for anything else."""
    value = _parse(text)
    if not isinstance(value, dict):
        raise ValueError("JSON is not an object")  # noqa: TRY004 - callers catch one type
    return value


def parse_list(text: bytes | str) -> list[object]:
    """Parse one JSON list; raises ValueError (with no input in its text) for anything else."""
    value = _parse(text)
    if not isinstance(value, list):
        raise ValueError("JSON is not a list")  # noqa: TRY004 - callers catch one type
    return value


def _parse(text: bytes | str) -> object:
    try:
        decoded = text if isinstance(text, str) else text.decode()
        value: object = json.loads(
            decoded,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except RecursionError:
        raise ValueError("JSON is nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("JSON is not UTF-8") from None
    except json.JSONDecodeError:
        raise ValueError("not JSON") from None
    _check_values(value, 0)
    return value


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("JSON has a duplicate name")
    return members


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError("JSON has a number that is none")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):  # 1e999: whoever makes an int of it falls over
        raise ValueError("JSON has a number that is too large")
    return number


def _check_values(value: object, depth: int) -> None:
    """Refuse what no database column or header can hold: NUL and lone surrogates, at any depth."""
    if depth > _MAX_DEPTH:
        raise ValueError("JSON is nested too deeply")
    if isinstance(value, dict):
        for name, member in value.items():
            _check_values(name, depth)
            _check_values(member, depth + 1)
    elif isinstance(value, list):
        for member in value:
            _check_values(member, depth + 1)
    elif isinstance(value, str) and ("\0" in value or not _encodes(value)):
        raise ValueError("JSON has a string that is no text")


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

"""Values as JSON text. What a newer version wrote is ignored, what it left out has its default."""

import dataclasses
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def members(value: "DataclassInstance") -> dict[str, Any]:
    """Return the fields of a value by name, without looking into them."""
    return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}


def dump(document: Mapping[str, object]) -> str:
    """Return the JSON text of a document."""
    return json.dumps(document, separators=(",", ":"), default=_plain)


def load(text: str, type_: "type[DataclassInstance]") -> dict[str, Any]:
    """Return the members of a document that the type knows, with its arrays as tuples."""
    known = {each.name for each in dataclasses.fields(type_)}
    document = json.loads(text)
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in document.items()
        if name in known
    }


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is not stored as JSON")

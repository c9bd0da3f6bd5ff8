"""Every key of the configuration file with type, default and meaning, read from the models"""

import inspect
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from authserver.settings.origin import Read
from authserver.settings.tables.allow import AllowTable
from authserver.settings.tables.client import ResourceClientTable
from authserver.settings.tables.file import File
from authserver.settings.tables.resource import ResourceTable, ScopeTable
from authserver.settings.tables.table import Table
from authserver.settings.tables.upstream import TABLES
from authserver.settings.tables.upstream_common import UpstreamTable

_WORDS = {bool: "true or false", int: "integer", float: "number", str: "text"}


@dataclass(frozen=True, slots=True)
class Key:
    """One key: `default` and `example` are TOML, or empty where there is none."""

    name: str
    kind: str
    default: str
    example: str
    meaning: str
    required: bool


@dataclass(frozen=True, slots=True)
class Section:
    """One table of the file, in the order of the file; the first has no name."""

    name: str
    meaning: str
    keys: tuple[Key, ...]
    optional: bool
    when: str = ""  # with which type of upstream


def sections() -> Iterator[Section]:
    """Return the top of the file, then each table."""
    top = {
        name: field
        for name, field in File.model_fields.items()
        if name != "upstream" and not _is_table(field)
    }
    yield Section("", "", tuple(_key(*each) for each in top.items()), optional=False)
    for name, field in File.model_fields.items():
        if name == "upstream":
            yield from _upstream()
        elif name == "resources":
            yield _section("resources.NAME", ResourceTable, optional=False)
            yield _section("resources.NAME.scopes.SCOPE", ScopeTable, optional=False)
            yield _section("resources.NAME.allow", AllowTable, optional=False)
            yield _section("resources.NAME.client", ResourceClientTable, optional=False)
        elif get_origin(field.annotation) is dict:
            yield _section(f"{name}.NAME", get_args(field.annotation)[1], optional=False)
        elif _is_table(field):
            yield _section(name, _model(field), optional=not field.is_required())


def _upstream() -> Iterator[Section]:
    """Return what every upstream may hold, what those of one type may, and the tables in it."""
    common, oauth2 = UpstreamTable.model_fields, TABLES["oauth2"].model_fields
    yield _section("upstream", UpstreamTable, optional=False)
    for tag, table in TABLES.items():
        own = {
            name: field
            for name, field in table.model_fields.items()
            if name not in common and not _is_model(field)
        }
        keys = tuple(_key(*each) for each in own.items())
        yield Section("upstream", _meaning(table), keys, optional=False, when=_when(tag))
    yield _section("upstream.fields", _model(oauth2["fields"]), optional=False)
    tokens = _section("upstream.token_fields", _model(oauth2["token_fields"]), optional=False)
    yield replace(tokens, when=_when("oauth2"))


def _when(tag: str) -> str:
    return f'type = "{tag}"'


def _section(name: str, model: type[Table], *, optional: bool) -> Section:
    keys = tuple(_key(*each) for each in model.model_fields.items())
    return Section(name, _meaning(model), keys, optional=optional)


def _meaning(model: type[Table]) -> str:
    meaning = inspect.getdoc(model) or ""
    meaning = " ".join((meaning.partition("`: ")[2] or meaning).split())
    return meaning[0].upper() + meaning[1:]


def _is_table(field: FieldInfo) -> bool:
    return _is_model(field) or get_origin(field.annotation) is dict


def _is_model(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, Table)


def _model(field: FieldInfo) -> type[Table]:
    model = field.annotation
    if isinstance(model, type) and issubclass(model, Table):
        return model
    raise TypeError("a field that is no table")


def _key(name: str, field: FieldInfo) -> Key:
    read = next((each for each in field.metadata if isinstance(each, Read)), None)
    bounds = [f"{each.ge} or more" for each in field.metadata if hasattr(each, "ge")]
    bounds += [f"{each.le} or less" for each in field.metadata if hasattr(each, "le")]
    kind = read.kind if read else _kind(field.annotation)
    return Key(
        name=name,
        kind=", ".join((kind, *bounds)),
        default=_default(field, read),
        example=field.examples[0] if field.examples else "",
        meaning=field.description or "",
        required=field.is_required(),
    )


def _default(field: FieldInfo, read: Read | None) -> str:
    value = field.get_default(call_default_factory=False)
    if field.is_required() or value is None or value == "":
        return ""
    return read.show(value) if read and read.show else json.dumps(value)


def _kind(annotation: Any) -> str:  # noqa: ANN401 - what stands after a colon has no type
    origin, members = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        read = next((each for each in members[1:] if isinstance(each, Read)), None)
        return read.kind if read else _kind(members[0])
    if origin is Literal:
        return " or ".join(f"`{json.dumps(each)}`" for each in members)
    if origin in (Union, UnionType):
        return " or ".join(_kind(each) for each in members if each is not NoneType)
    if origin is list:
        return f"list of: {_kind(members[0])}"
    if origin is dict:
        return f"table of: {_kind(members[1])}"
    return _WORDS.get(annotation, "table")

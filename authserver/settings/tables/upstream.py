"""`[upstream]`: its preset and its type, and which model it is of"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Discriminator, Tag

from authserver.settings import presets
from authserver.settings.problem import wrong
from authserver.settings.tables.oauth2 import OAuth2Table
from authserver.settings.tables.oidc import OidcTable
from authserver.settings.tables.upstream_common import UpstreamTable

TABLES: Mapping[str, type[UpstreamTable]] = {"oidc": OidcTable, "oauth2": OAuth2Table}


def _type_of(table: object) -> str:
    """Return which table it is; where its type is wrong, which one it looks like."""
    members = table if isinstance(table, Mapping) else {}
    written = members.get("type")
    if written in TABLES:
        return str(written)
    return "oauth2" if {"authorization_endpoint", "token_endpoint"} & set(members) else "oidc"


AnyUpstreamTable = Annotated[
    Annotated[OidcTable, Tag("oidc")] | Annotated[OAuth2Table, Tag("oauth2")],
    Discriminator(_type_of),
]


def expand(table: Any) -> Any:  # noqa: ANN401  (whatever the file has there)
    """Return `[upstream]` with its preset; a key of the other type is one mistake, of the type."""
    if not isinstance(table, Mapping):
        return table
    expanded = presets.expand(table)
    written = expanded.get("type")
    if "preset" in table and "type" in table:
        _check_preset_type(table)
    if written in TABLES:
        _check_keys(set(expanded), str(written))
    return expanded


def _check_preset_type(table: Mapping[str, object]) -> None:
    found = presets.presets().get(str(table["preset"]))
    if found is not None and table["type"] != found.keys["type"]:
        raise wrong(
            f'has a type that is not that of preset = "{found.name}"',
            "leave out type: the preset knows it",
        )


def _check_keys(keys: set[str], written: str) -> None:
    other = "oauth2" if written == "oidc" else "oidc"
    foreign = (set(TABLES[other].model_fields) - set(TABLES[written].model_fields)) & keys
    if foreign:
        raise wrong(
            f'has type = "{written}" and keys of type "{other}": {", ".join(sorted(foreign))}',
            f'write type = "{other}", or leave these keys out',
        )

"""What is known about identity providers, as data: presets.toml"""

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from authserver.settings.origin import Origin
from authserver.settings.problem import wrong

FILE = Path(__file__).with_name("presets.toml")


@dataclass(frozen=True, slots=True)
class Preset:
    """Keys of `[upstream]` for one provider, and what people should know about it.

    `issuer_pattern` is what an issuer of this provider looks like as a whole, with an example and
    a remedy; it is empty where the preset has the issuer. `shared_tokens` says how the
    tokens of one user for several resources hang together there.
    """

    name: str
    keys: Mapping[str, Any]
    issuer_example: str = ""
    issuer_pattern: str = ""
    issuer_remedy: str = ""
    hs256_remedy: str = ""
    shared_tokens: str = ""
    notes: tuple[str, ...] = ()


@cache
def presets() -> Mapping[str, Preset]:
    """Return every preset by its name, in the order of the file."""
    return MappingProxyType(
        {name: _preset(name, table) for name, table in tomllib.loads(FILE.read_text()).items()}
    )


def expand(table: Mapping[str, object]) -> dict[str, object]:
    """Return a table with what its preset knows under what is written; inner tables are merged.

    A misspelt preset is read as the one it resembles: it is one mistake, and not one for each key.
    """
    named = table.get("preset")
    close = difflib.get_close_matches(named, presets(), n=1) if isinstance(named, str) else []
    if not close:
        return dict(table)
    found = presets()[close[0]]
    expanded = {**found.keys, **table}
    for key in ("fields", "token_fields", "authorization_params"):
        below, above = found.keys.get(key), table.get(key)
        if isinstance(below, Mapping) and isinstance(above, Mapping):
            expanded[key] = {**below, **above}
    return expanded


def read_preset(value: object, _origin: Origin) -> str:
    """Return the name of a preset."""
    if isinstance(value, str) and value in presets():
        return value
    close = difflib.get_close_matches(value, presets(), n=1) if isinstance(value, str) else []
    hint = f"did you mean {close[0]}? " if close else ""
    raise wrong("is not a preset", f"{hint}write one of: {', '.join(presets())}")


def check_issuer(name: str | None, issuer: str) -> None:
    """Refuse an issuer that the preset's provider cannot have; raises what `wrong` returns."""
    found = presets().get(name or "")
    if found and found.issuer_pattern and not re.fullmatch(found.issuer_pattern, issuer):
        raise wrong(f"is not an issuer of {name}", found.issuer_remedy)


def _preset(name: str, table: dict[str, Any]) -> Preset:
    about = dict(table.pop("about", {}))
    notes = tuple(about.pop("notes", ()))
    return Preset(name, MappingProxyType(table), **about, notes=notes)

"""What to write instead: the table that a key belongs into, the grants that a client needs"""

from collections.abc import Iterator, Mapping

from authserver.oauth.client_metadata import DEVICE_CODE
from authserver.oauth.exchange_request import GRANT_TYPE
from authserver.settings.reference import sections

_FEW = 3  # a key that many tables have belongs into none of them in particular
_SIGN_IN = '["authorization_code", "refresh_token"]'


def place(key: str, table: tuple[int | str, ...]) -> str:
    """Return which tables have a key that this one has not, or nothing."""
    found = dict.fromkeys(_sections(key))
    if any(_is(each, table) for each in found):
        return "it is for the other type of [upstream]"
    names = [f"[{each}]" if each else "the top of the file" for each in found]
    if len(names) == 1:
        return f"it belongs into {names[0]}"
    return f"it is a key of {' or '.join(names)}" if 0 < len(names) <= _FEW else ""


def grant_types(client: Mapping[str, object]) -> str:
    """Return the grant types that fit what else is written of a client."""
    if client.get("redirect_uris"):
        return _SIGN_IN
    if client.get("source_clients"):
        return f'["{GRANT_TYPE}"]'
    if client.get("token_endpoint_auth_method") == "none":
        return f'{_SIGN_IN} where users sign in through it, ["{DEVICE_CODE}"] for a device'
    return (
        f'["client_credentials"] for a machine, {_SIGN_IN} where users sign in through it, '
        f'["{GRANT_TYPE}"] where it exchanges their tokens'
    )


def _sections(key: str) -> Iterator[str]:
    """Return the name of each section that has the key, or is the table of this name."""
    for section in sections():
        if section.name in (key, f"{key}.NAME") or key in (each.name for each in section.keys):
            yield section.name


def _is(section: str, table: tuple[int | str, ...]) -> bool:
    """Say whether a table of the file is one of a section, whose names stand in capitals."""
    parts = section.split(".") if section else []
    return len(parts) == len(table) and all(
        part.isupper() or part == written for part, written in zip(parts, table, strict=True)
    )

"""Whether a proof's `htu` is the URL of the request: RFC 9449 §4.3, RFC 3986 §6.2.2, §6.2.3."""

import re

_MAX_LENGTH = 4096
_URI = re.compile(
    r"(?P<scheme>[Hh][Tt][Tt][Pp][Ss]?)://"
    r"(?P<host>[A-Za-z0-9._~!\x24&'()*+,;=-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{0,5}))?"
    r"(?P<path>(?:/(?:[A-Za-z0-9._~!\x24&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?)(?:[?#]|\Z)"
)
_PERCENT_ENCODED = re.compile("%[0-9A-Fa-f]{2}")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_DEFAULT_PORT = {"http": "80", "https": "443"}


def matches(htu: str, url: str) -> bool:
    """Say whether two URLs are one, whatever their query and fragment: those are not compared."""
    normal = normalized(htu)
    return normal is not None and normal == normalized(url)


def normalized(url: str) -> str | None:
    """Return the one spelling of an http(s) URL without query and fragment; None for no such URL.

    Case of scheme and host, a default or empty port, an empty path, needless percent-encodings and
    dot segments do not matter; a trailing slash does.
    """
    found = _URI.match(url) if len(url) <= _MAX_LENGTH else None
    if found is None:
        return None
    scheme, host = found["scheme"].lower(), found["host"].lower()
    port = (found["port"] or "").lstrip("0")
    suffix = "" if port in ("", _DEFAULT_PORT[scheme]) else f":{port}"
    return f"{scheme}://{host}{suffix}{_path(found['path'])}"


def _path(path: str) -> str:
    decoded = _PERCENT_ENCODED.sub(lambda found: _plain(found[0]), path)
    return _without_dots(decoded or "/")


def _plain(encoded: str) -> str:
    """Return a percent-encoded octet in its one spelling: plain where it may stand so."""
    character = chr(int(encoded[1:], 16))
    return character if character in _UNRESERVED else encoded.upper()


def _without_dots(path: str) -> str:
    """Return a path without dot segments (RFC 3986 §5.2.4)."""
    segments = path.split("/")[1:]
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)

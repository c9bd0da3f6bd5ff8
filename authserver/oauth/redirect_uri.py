"""Redirect URIs: which may be registered, and when two are equal: OAuth 2.1 §2.3, RFC 8252 §7.3."""

import re
from urllib.parse import unquote_plus

from authserver.oauth.errors import OAuthError
from authserver.oauth.redirect_policy import (
    PRIVATE_SCHEMES,
    RedirectPattern,
    RedirectPolicy,
    parse_pattern,
)
from authserver.oauth.redirect_syntax import (
    LOOPBACK,
    MAX_LENGTH,
    Kind,
    RedirectUri,
    parse,
    refused,
)

__all__ = [
    "LOOPBACK",
    "MAX_LENGTH",
    "PRIVATE_SCHEMES",
    "Kind",
    "RedirectPattern",
    "RedirectPolicy",
    "RedirectUri",
    "check_registrable",
    "match",
    "parse",
    "parse_pattern",
    "without_loopback_port",
]

_RESPONSE_PARAMETERS = frozenset(
    {"code", "error", "error_description", "error_uri", "iss", "response", "state"}
)
_PAIR_SEPARATOR = re.compile(r"[&;]")  # some frameworks still split at a semicolon


def check_registrable(raw: str) -> RedirectUri:
    """Parse a URI for registration: it must not carry parameters of the response already."""
    uri = parse(raw)
    pairs = _PAIR_SEPARATOR.split(uri.query)
    # As the client's framework will read the names: decoded, and some do not mind the case.
    names = {unquote_plus(pair.partition("=")[0]).lower() for pair in pairs}
    if names & _RESPONSE_PARAMETERS:
        raise refused("already has a parameter of the authorization response")
    return uri


def match(registered: tuple[str, ...], presented: str) -> str | None:
    """Return `presented` where it equals a registered one, else None.

    Equal is the same string; for loopback http the port may differ (RFC 8252 §7.3) and an empty
    path equals `/`. What today's rules refuse matches nothing, even where it was registered.
    """
    uri = _parse_or_none(presented)
    if uri is None:
        return None
    if presented in registered:
        return presented
    key = _without_port(uri)
    if key is None:
        return None
    return presented if any(_key_of(each) == key for each in registered) else None


def without_loopback_port(raw: str) -> str:
    """Return the URI as a decision about it is remembered: loopback http without its port."""
    key = _key_of(raw)
    if key is None:
        return raw
    host, path, has_query, query = key
    return f"http://{host}{path}?{query}" if has_query else f"http://{host}{path}"


def _without_port(uri: RedirectUri) -> tuple[str, str, bool, str] | None:
    if uri.scheme != "http":
        return None
    return uri.host, uri.path or "/", "?" in uri.raw, uri.query


def _key_of(raw: str) -> tuple[str, str, bool, str] | None:
    uri = _parse_or_none(raw)
    return None if uri is None else _without_port(uri)


def _parse_or_none(raw: str) -> RedirectUri | None:
    try:
        return parse(raw)
    except OAuthError:
        return None

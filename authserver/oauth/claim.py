"""A user's claims: found by name or path, and put into tokens: OpenID Connect Core §5.1, RFC 9068.

What decides on access is compared as text, whole and with its case; a list matches by any member.
"""

import json
from collections.abc import Iterable, Iterator, Mapping

from authserver.oauth.user import User

GROUPS = "groups"  # RFC 9068 §2.2.3.1
MAX_BYTES = 4096  # of JSON: a token travels in a header, and many servers take 8 KiB of those
# Ours to say, or another registered meaning that a user's claim must not take (RFC 7519 §4.1, RFC
# 9068 §2.2, RFC 8693 §4, RFC 7800 §3.1; acr and amr tell of a sign-in that is not the grant's).
RESERVED = frozenset(
    {
        *("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "scp"),
        *("auth_time", "acr", "amr", "nonce", "azp", "at_hash", "c_hash", "s_hash", "sid"),
        *("act", "may_act", "cnf", "events", "authorization_details", "status", "typ"),
        *("token_use", "grant_id", "anchor", "via"),
    }
)


def find(claims: Mapping[str, object], path: str) -> object:
    """Return the claim of this whole name, else what the path through its dots leads to, else None.

    Names may hold dots themselves (`https://example.com/groups`): a longer name comes first.
    """
    if path in claims:
        return claims[path]
    dots = (position for position in range(len(path) - 1, -1, -1) if path[position] == ".")
    for dot in dots:
        inner = claims.get(path[:dot])
        found = find(inner, path[dot + 1 :]) if isinstance(inner, Mapping) else None
        if found is not None:
            return found
    return None


def values(value: object) -> tuple[str, ...]:
    """Return the texts of a claim or of its list; numbers and booleans are written as in JSON."""
    members = value if isinstance(value, list | tuple) else (value,)
    return tuple(text for each in members if (text := _text(each)))


def for_token(user: User | None, names: Iterable[str]) -> tuple[dict[str, object], tuple[str, ...]]:
    """Return the claims of a user for an access token, and the names of those that did not fit.

    `names` are names or paths; each claim travels under what it was asked for by. Together they
    are `MAX_BYTES` of JSON at most; one that the user has not is left out.
    """
    kept: dict[str, object] = {}
    too_long: list[str] = []
    for name, value in _of(user, names) if user else ():
        if len(json.dumps({**kept, name: value})) > MAX_BYTES:
            too_long.append(name)
        else:
            kept[name] = value
    return kept, tuple(too_long)


def _of(user: User, names: Iterable[str]) -> Iterator[tuple[str, object]]:
    for name in names:
        value = _value(user, name)
        if value is not None:
            yield name, value


def _value(user: User, name: str) -> object:
    if name == "name":
        return user.name
    if name == "email":  # a server that reads no email_verified must not believe just any address
        return user.email if user.email_verified else None
    if name == "email_verified":
        return user.email_verified if user.email else None
    found = find(user.claims, name)
    return list(values(found)) if name == GROUPS and found is not None else found


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None

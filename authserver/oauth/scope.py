"""Scope values: RFC 6749 §3.3."""

import re
from collections.abc import Collection, Iterable

from authserver.oauth.errors import OAuthError

_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}\Z")
MAX_LENGTH = 8192

# Built in beside the scopes of the resources (OpenID Connect Core §5.4, §11).
STANDARD = {
    "openid": "Confirm who you are",
    "profile": "See your name",
    "email": "See your e-mail address",
    "offline_access": "Stay connected when you are away",
}


def parse(text: str | None) -> tuple[str, ...]:
    """Split a space-delimited scope in order, without repeats; raises `invalid_scope`."""
    if not text:
        return ()
    if len(text) > MAX_LENGTH:
        raise OAuthError("invalid_scope", "The scope is too long.")
    names = tuple(dict.fromkeys(text.split(" ")))
    names = tuple(name for name in names if name)
    if not all(_TOKEN.match(name) for name in names):
        raise OAuthError("invalid_scope", "The scope contains a character that is not allowed.")
    return names


def is_scope_token(name: str) -> bool:
    """Say whether a name is a valid scope-token."""
    return _TOKEN.match(name) is not None


def join(names: Iterable[str]) -> str:
    """Return the names as one space-delimited string."""
    return " ".join(names)


def keep(names: Iterable[str], allowed: Collection[str]) -> tuple[str, ...]:
    """Return those of `names` that are in `allowed`, in order: unknown scopes are dropped."""
    return tuple(name for name in names if name in allowed)


def narrow(requested: str | None, granted: tuple[str, ...]) -> tuple[str, ...]:
    """Return the requested part of a granted scope, all of it where none is requested.

    Raises `invalid_scope` where it would widen (RFC 6749 §6).
    """
    names = parse(requested)
    if not names:
        return granted
    if not set(names) <= set(granted):
        raise OAuthError("invalid_scope", "The scope exceeds what was granted.")
    return names


def of_machine(
    offered: Iterable[str], most: Collection[str], requested: tuple[str, ...]
) -> tuple[str, ...]:
    """Return what a machine gets of what it asks for; of all that it may have, where of nothing.

    Clients ask for every scope that a resource lists: what is left of them is the answer. Raises
    `invalid_scope` where nothing is.
    """
    offered = tuple(offered)
    held = keep(offered, most)
    granted = keep(held, requested) if requested else held
    if not granted and (requested or offered):
        raise OAuthError("invalid_scope", "The client may have nothing of this scope.")
    return granted

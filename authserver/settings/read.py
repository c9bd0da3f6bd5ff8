"""How single values of the file are read: texts, names, scopes, networks, database URLs"""

import ipaddress
import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from authserver.oauth import scope
from authserver.settings import secret
from authserver.settings.origin import Origin
from authserver.settings.problem import wrong

_KEY = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?\Z")
_PARAMETER = re.compile(r"[A-Za-z0-9._~-]{1,64}\Z")
_MAX_TEXT = 200
_DATABASE = "write sqlite:///file.db or postgresql://user@host/name"
_POSTGRESQL = frozenset({"postgresql", "postgresql+psycopg"})
RESERVED_PARAMS = frozenset(
    {
        "client_id",
        "client_secret",
        "code_challenge",
        "code_challenge_method",
        "dpop_jkt",
        "id_token_hint",
        "login_hint",
        "max_age",
        "nonce",
        "prompt",
        "redirect_uri",
        "request",
        "request_uri",
        "response_mode",
        "response_type",
        "scope",
        "state",
    }
)


def read_text(value: object, _origin: Origin) -> str:
    """Return a text that people read."""
    if not isinstance(value, str) or not value.strip() or len(value) > _MAX_TEXT:
        raise wrong("is not a text", f"write 1 to {_MAX_TEXT} characters in quotes")
    # isprintable is false for controls, bidi overrides and zero-width characters.
    if not value.isprintable():
        raise wrong("has invisible characters", "write one line of visible characters")
    return value.strip()


def read_name(value: object, origin: Origin) -> str:
    """Return the name of a resource, which no other resource has."""
    name = read_text(value, origin)
    if name.casefold() in origin.resource_names:
        raise wrong("is the name of another resource", "give each resource a name of its own")
    origin.resource_names.add(name.casefold())
    return name


def read_key(value: object, _origin: Origin) -> str:
    """Return the key of a table that the operator names."""
    if not isinstance(value, str) or not _KEY.match(value):
        raise wrong(
            "is not a valid name of a table",
            "use 1 to 64 of a-z, 0-9, _ and -, with a letter or digit at both ends",
        )
    return value


def read_scope(value: object, _origin: Origin) -> str:
    """Return a scope-token (RFC 6749 §3.3)."""
    if not isinstance(value, str) or not scope.is_scope_token(value):
        raise wrong(
            "is not a valid scope",
            'write one word of printable ASCII without space, " and \\, such as "issues:read"',
        )
    return value


def read_own_scope(value: object, origin: Origin) -> str:
    """Return a scope of a resource: not one of those that are built in."""
    name = read_scope(value, origin)
    if name in scope.STANDARD:
        raise wrong(
            "is a scope that is built in", f"leave out {', '.join(scope.STANDARD)}: they work"
        )
    return name


def read_known_scope(value: object, origin: Origin) -> str:
    """Return a scope that a resource has or that is built in."""
    name = read_scope(value, origin)
    if name not in origin.scopes and name not in scope.STANDARD:
        raise wrong("is a scope that no resource has", "name a scope of a resource in this file")
    return name


def read_parameter(value: object, _origin: Origin) -> str:
    """Return the name of a parameter that may be added to the upstream authorization request."""
    if value == "prompt":
        raise wrong("comes from each request", "leave it out: a client's prompt is passed on")
    if value in RESERVED_PARAMS:
        raise wrong("is set by authserver", "leave it out")
    if not isinstance(value, str) or not _PARAMETER.match(value):
        raise wrong("is not the name of a parameter", "use letters, digits, . _ ~ and -")
    return value


def read_network(value: object, _origin: Origin) -> IPv4Network | IPv6Network:
    """Return a network in CIDR notation."""
    try:
        return ipaddress.ip_network(value if isinstance(value, str) else "")
    except ValueError:
        raise wrong(
            "is not a network", 'write CIDR with the first address, such as "192.0.2.0/24"'
        ) from None


def read_folder(value: object, origin: Origin) -> Path:
    """Return a folder that exists; a relative path starts at the configuration file."""
    if not isinstance(value, str) or not value or "\0" in value:
        raise wrong("is not a path", "write the path of a folder in quotes")
    path = origin.directory / value
    if not path.is_dir():
        raise wrong(f"the folder {path} does not exist", "create it, or correct the path")
    return path


def read_database_url(value: object, origin: Origin) -> str:
    """Return a database URL with an absolute path; a password in it must come from a secret."""
    referred = isinstance(value, str) and value.startswith(("env:", "file:"))
    url = secret.read_secret(value, origin) if referred else value
    if not isinstance(url, str):
        raise wrong("is not a text", _DATABASE)
    if url.startswith("sqlite:"):
        return _sqlite(url, origin)
    try:
        parts = urlsplit(url)
        named = (
            parts.scheme in _POSTGRESQL and parts.port != 0 and url.startswith(f"{parts.scheme}://")
        )
    except ValueError:
        named = False
    if not named:
        raise wrong("is not the URL of a database", _DATABASE)
    names = {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    if not referred and (parts.password is not None or "password" in names):
        raise wrong(
            "holds a password", 'write "env:DATABASE_URL" or "file:/path" for the whole URL'
        )
    return url if parts.scheme == "postgresql+psycopg" else f"postgresql+psycopg{url[10:]}"


def _sqlite(url: str, origin: Origin) -> str:
    name = url.removeprefix("sqlite:///")
    if name == url or not name or name == ":memory:" or "?" in name or not name.isprintable():
        raise wrong(
            "is not the URL of an SQLite file",
            "write sqlite:///file.db: a database in memory is not shared by workers",
        )
    return f"sqlite:///{origin.directory / name}"

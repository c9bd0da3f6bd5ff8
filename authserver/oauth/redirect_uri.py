"""Redirect URIs: which may be registered, and when two are equal: OAuth 2.1 §2.3, RFC 8252 §7.3."""

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from authserver.oauth.errors import OAuthError

MAX_LENGTH = 2048
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})

# Schemes without a dot that real MCP clients use; the others must be reverse domain names.
PRIVATE_SCHEMES = frozenset(
    {
        "claude",
        "cursor",
        "goose",
        "jetbrains",
        "kiro",
        "raycast",
        "trae",
        "vscode",
        "vscode-insiders",
        "warp",
        "windsurf",
        "zed",
    }
)
_HOSTILE_SCHEMES = frozenset(
    {
        "about", "blob", "chrome", "data", "file", "filesystem", "ftp", "intent", "javascript",
        "jar", "mailto", "ms-appx", "resource", "sms", "tel", "vbscript", "view-source", "ws",
        "wss",
    }
)  # fmt: skip

# What a browser or parser would read differently than it is written: judged before any parsing.
_RAW = re.compile(r"[\x21\x24-\x29\x2b-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]{1,2048}\Z")
_DOT_SEGMENT = re.compile(r"(?:^|[/;])(?:\.|%2e){1,2}(?=[/;?]|$)", re.IGNORECASE)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PARTS = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):"
    r"(?://(?P<authority>[^/?]*))?(?P<path>[^?]*)(?:\?(?P<query>.*))?\Z"
)
_AUTHORITY = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?\Z"
)
_RESPONSE_PARAMETERS = frozenset({"code", "state", "iss", "error", "error_description"})

Kind = Literal["https", "loopback", "private"]


@dataclass(frozen=True, slots=True)
class RedirectUri:
    """A well-formed redirect URI in its parts; `raw` is the only form that is stored and sent."""

    raw: str
    scheme: str
    host: str
    port: str
    path: str
    query: str

    @property
    def kind(self) -> Kind:
        """Say where it leads: a web site, this computer, or an app by its own scheme."""
        if self.scheme == "https":
            return "https"
        return "loopback" if self.scheme == "http" else "private"

    @property
    def display(self) -> str:
        """Return what the user is shown: the host, or the scheme of an app as `scheme://`."""
        return self.host if self.kind != "private" else f"{self.scheme}://"


@dataclass(frozen=True, slots=True)
class RedirectPattern:
    """One allowed shape, matched component by component: no wildcard crosses a component."""

    scheme: str
    host: str
    port: str
    path: str

    def matches(self, uri: RedirectUri) -> bool:
        """Say whether each component fits."""
        return (
            uri.scheme == self.scheme
            and fnmatchcase(uri.host, self.host)
            and self.port in ("*", uri.port)
            and fnmatchcase(uri.path, self.path)
        )


@dataclass(frozen=True, slots=True)
class RedirectPolicy:
    """Which well-formed redirect URIs may be registered.

    `private_schemes` are allowed beside those with a dot; where `patterns` is not empty, every
    https URI must match one of them.
    """

    private_schemes: frozenset[str] = PRIVATE_SCHEMES
    patterns: tuple[RedirectPattern, ...] = field(default=())

    def allows(self, uri: RedirectUri) -> bool:
        """Say whether a well-formed URI may be registered."""
        if uri.kind == "private":
            return "." in uri.scheme or uri.scheme in self.private_schemes
        if uri.kind == "loopback" or not self.patterns:
            return True
        return any(pattern.matches(uri) for pattern in self.patterns)


def parse(raw: str) -> RedirectUri:
    """Parse a redirect URI; raises `invalid_redirect_uri` for a malformed or hostile one."""
    if not _RAW.match(raw) or _BAD_ESCAPE.search(raw):
        raise _refused("has a character that is not allowed")
    match = _PARTS.match(raw)
    if match is None or match["scheme"].lower() in _HOSTILE_SCHEMES:
        raise _refused("has a scheme that is not allowed")
    path, query = match["path"], match["query"] or ""
    if _DOT_SEGMENT.search(path) or path.startswith("//"):
        raise _refused("has a path with dot segments or empty segments at its start")
    uri = RedirectUri(raw, match["scheme"], *_host_and_port(match["authority"]), path, query)
    if uri.scheme in ("http", "https") or uri.scheme.lower() in ("http", "https"):
        _check_web(uri)
    elif not uri.host and not path.startswith("/"):
        raise _refused("has no host and no path")
    return uri


def check_registrable(raw: str) -> RedirectUri:
    """Parse a URI for registration: it must not carry parameters of the response already."""
    uri = parse(raw)
    names = {pair.split("=", 1)[0] for pair in uri.query.split("&")}
    if names & _RESPONSE_PARAMETERS:
        raise _refused("already has a parameter of the authorization response")
    return uri


def match(registered: tuple[str, ...], presented: str) -> str | None:
    """Return `presented` where it equals a registered one, else None.

    Equal is the same string; for loopback http the port may differ (RFC 8252 §7.3) and an empty
    path equals `/`.
    """
    if presented in registered:
        return presented
    try:
        uri = parse(presented)
    except OAuthError:
        return None
    if uri.kind != "loopback":
        return None
    key = _without_port(uri)
    return presented if any(_loopback_key(each) == key for each in registered) else None


def parse_pattern(text: str) -> RedirectPattern:
    """Parse an operator's pattern such as `https://*.example.com/oauth/*`; raises ValueError."""
    match_ = re.fullmatch(r"(https?)://([A-Za-z0-9.*-]+)(?::(\d{1,5}|\*))?(/[^?#\[\]\\ ]*)?", text)
    if match_ is None or text.count("*") > 8:
        raise ValueError("write scheme://host[:port]/path, with * inside one component only")
    scheme, host, port, path = match_.groups()
    return RedirectPattern(scheme, host, port or "", path or "/")


def _host_and_port(authority: str | None) -> tuple[str, str]:
    if not authority:
        return "", ""
    match = _AUTHORITY.match(authority)
    if match is None or int(match["port"] or 1) > 65535:
        raise _refused("has a host or port that is not allowed")
    return match["host"], match["port"] or ""


def _check_web(uri: RedirectUri) -> None:
    if not uri.scheme.islower() or not uri.host or ".." in uri.host:
        raise _refused("has no valid host")
    if uri.scheme == "http" and uri.host not in LOOPBACK:
        raise _refused("uses http for a host that is not loopback")


def _without_port(uri: RedirectUri) -> tuple[str, str, str]:
    return uri.host, uri.path or "/", uri.query


def _loopback_key(raw: str) -> tuple[str, str, str] | None:
    if not raw.startswith("http://"):
        return None
    return _without_port(parse(raw))


def _refused(why: str) -> OAuthError:
    return OAuthError("invalid_redirect_uri", f"A member of redirect_uris {why}.")

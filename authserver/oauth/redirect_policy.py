"""Which redirect URIs an operator lets clients register: OAuth 2.1 §2.3.1, RFC 8252 §7.1."""

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from authserver.oauth.errors import OAuthError
from authserver.oauth.redirect_syntax import RedirectUri, parse

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
_PATTERN = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.*-]+)(?::(?P<port>[0-9]{1,5}|\*))?"
    r"(?P<path>/[^?#\[\]\\\s]*)?\Z"
)
_MAX_WILDCARDS = 8


@dataclass(frozen=True, slots=True)
class RedirectPattern:
    """One allowed shape, matched component by component: no wildcard crosses a component."""

    scheme: str
    host: str
    port: str
    path: str

    def matches(self, uri: RedirectUri) -> bool:
        """Say whether each component fits; a shape has no query, so what has one never does."""
        return (
            uri.scheme == self.scheme
            and fnmatchcase(uri.host, self.host)
            and self.port in ("*", uri.port)
            and fnmatchcase(uri.path or "/", self.path)
            and "?" not in uri.raw
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


def parse_pattern(text: str) -> RedirectPattern:
    """Parse an operator's pattern such as `https://*.example.com/oauth/*`; raises ValueError."""
    match = _PATTERN.match(text)
    if match is None or text.count("*") > _MAX_WILDCARDS:
        raise ValueError("write scheme://host[:port]/path, with * inside one component only")
    host, path = match["host"], match["path"] or "/"
    try:
        # What no redirect URI can look like would never match, without a word.
        parse(f"https://{host}{path}".replace("*", "x"))
    except OAuthError as error:
        raise ValueError(error.description) from None
    return RedirectPattern(match["scheme"], host, match["port"] or "", path)

"""A redirect URI in its parts, read only where nobody reads it differently: OAuth 2.1 §2.3."""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Literal

from authserver.oauth.errors import OAuthError

MAX_LENGTH = 2048
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})

# A browser acts upon these itself, or hands them to a part of the system that does.
_HOSTILE_SCHEMES = frozenset(
    {
        "about", "blob", "chrome", "chrome-extension", "data", "file", "filesystem", "ftp",
        "intent", "jar", "javascript", "livescript", "mailto", "mhtml", "mocha", "moz-extension",
        "ms-appx", "ms-msdt", "resource", "search-ms", "shell", "sms", "tel", "vbscript",
        "view-source", "ws", "wss",
    }
)  # fmt: skip

# What a browser or parser would read differently than it is written is judged before any parsing:
# printable ASCII without space " # * < > @ \ ^ ` { | }
_RAW = re.compile(r"[\x21\x24-\x29\x2b-\x3b\x3d\x3f\x41-\x5b\x5d\x5f\x61-\x7a\x7e]{1,2048}\Z")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})|%[01]|%7f", re.IGNORECASE)  # broken, or a control
# Separators and dots also in their percent-encodings, however often these are encoded again.
_SEPARATOR = r"(?:[/;]|%(?:25)*(?:2f|5c|3b))"
_DOT_SEGMENT = re.compile(
    rf"(?:^|{_SEPARATOR})(?:\.|%(?:25)*2e){{1,2}}(?={_SEPARATOR}|\Z)", re.IGNORECASE
)
_PARTS = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):"
    r"(?://(?P<authority>[^/?]*))?(?P<path>[^?]*)(?:\?(?P<query>.*))?\Z"
)
_AUTHORITY = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?\Z"
)
_NUMERIC_LABEL = re.compile(r"[0-9]+\Z|0x[0-9a-f]*\Z", re.IGNORECASE)

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
        if self.scheme not in ("http", "https"):
            return "private"
        return "loopback" if _is_loopback(self.host.lower()) else "https"

    @property
    def display(self) -> str:
        """Return what the user is shown: the host, or the scheme of an app as `scheme://`."""
        return self.host if self.kind != "private" else f"{self.scheme}://"


def parse(raw: str) -> RedirectUri:
    """Parse a redirect URI; raises `invalid_redirect_uri` for a malformed or hostile one."""
    if not _RAW.match(raw) or _BAD_ESCAPE.search(raw):
        raise refused("has a character that is not allowed")
    match = _PARTS.match(raw)
    if match is None or match["scheme"].lower() in _HOSTILE_SCHEMES:
        raise refused("has a scheme that is not allowed")
    path, query = match["path"], match["query"] or ""
    if _DOT_SEGMENT.search(path) or path.startswith("//"):
        raise refused("has a path with dot segments or empty segments at its start")
    if "[" in path + query or "]" in path + query:
        # RFC 3986 §3.3, §3.4; the redirect would carry them escaped: another URI than registered.
        raise refused("has a bracket that is not escaped")
    uri = RedirectUri(raw, match["scheme"], *_host_and_port(match["authority"]), path, query)
    if uri.scheme.lower() in ("http", "https"):
        _check_web(uri)
    elif not uri.host and not path.startswith("/"):
        raise refused("has no host and no path")
    return uri


def refused(why: str) -> OAuthError:
    """Return the error about a redirect URI, in a sentence without the URI."""
    return OAuthError("invalid_redirect_uri", f"The redirect URI {why}.")


def _host_and_port(authority: str | None) -> tuple[str, str]:
    if not authority:
        return "", ""
    match = _AUTHORITY.match(authority)
    if match is None or int(match["port"] or 1) > 65535:
        raise refused("has a host or port that is not allowed")
    return match["host"], match["port"] or ""


def _check_web(uri: RedirectUri) -> None:
    if not uri.scheme.islower() or not uri.host or ".." in uri.host:
        raise refused("has no valid host")
    if uri.scheme == "http" and uri.host not in LOOPBACK:
        raise refused("uses http for a host that is not loopback")
    if not _is_read_as_written(uri.host):
        raise refused("has an address in a spelling that is not the usual one")


def _is_read_as_written(host: str) -> bool:
    """Say whether a browser shows and reaches this very host.

    It takes `0x7f.1` and `2130706433` for IPv4 addresses, as it does all hosts ending in a number.
    """
    try:
        if host.startswith("["):
            return str(IPv6Address(host[1:-1])) == host[1:-1]
        if _NUMERIC_LABEL.match(host.rpartition(".")[2]):
            return str(IPv4Address(host)) == host
    except AddressValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    if host in LOOPBACK or host.endswith(".localhost"):
        return True
    return host.startswith("127.") and _NUMERIC_LABEL.match(host.rpartition(".")[2]) is not None

"""A URL that a stranger has us fetch, judged as it is written: CIMD draft -01 §3, RFC 3986 §3.

Parsers drop and fold what a comparison must see, so none sees it before.
"""

import re
from dataclasses import dataclass

PREFIX = "https://"
MAX_LENGTH = 512

# One spelling for each URL: lower-case names, no port but another than 443, a path, and neither
# query nor fragment. Percent-encodings only of what cannot be written otherwise, so no %2e or %2f.
_URL = re.compile(
    r"https://(?P<host>(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z][a-z0-9-]{0,61}[a-z0-9])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>/(?:[A-Za-z0-9._~!\x24&'()*+,;=:/-]|%[89A-F][0-9A-F])*)\Z"
)
_LOCAL_NAMES = frozenset({"local", "localhost", "internal", "intranet", "lan", "home", "corp"})


@dataclass(frozen=True, slots=True)
class StrangerUrl:
    """A URL in its parts; `netloc` is the host with a port other than 443."""

    host: str
    netloc: str
    path: str

    @property
    def is_public_by_name(self) -> bool:
        """Say whether nothing in the name or port says that it lies inside."""
        return self.netloc == self.host and self.host.rpartition(".")[2] not in _LOCAL_NAMES


def parse(url: str) -> StrangerUrl | None:
    """Return the parts of a URL that may be fetched; None for any other text."""
    found = _URL.match(url) if len(url) <= MAX_LENGTH else None
    if found is None or found["port"] == "443" or not _is_plain(found["path"]):
        return None
    netloc = url.removeprefix(PREFIX).partition("/")[0]
    return StrangerUrl(found["host"], netloc, found["path"])


def _is_plain(path: str) -> bool:
    """Say whether nobody reads a path as another one: no empty segments, none of dots."""
    segments = path.split("/")[1:]
    return "" not in segments[:-1] and not {".", ".."} & set(segments)

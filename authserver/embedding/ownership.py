"""Whose a path is, where two applications share one origin. RFC 8414 §3.1, RFC 9728 §5.1"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, Self
from urllib.parse import urlsplit

from authserver.adapter import MAX_BODY
from authserver.endpoints.discovery import metadata_paths
from authserver.web import Answers

Owner = Literal["ours", "host", "either"]

# A body that is longer is no request of ours.
LONGEST_BODY = MAX_BODY


@dataclass(frozen=True, slots=True)
class Ownership:
    """Says whose a path is; `answers` returns what we answer there.

    Ours is what we answer below the issuer's path, and the metadata whose URL carries that path:
    both are the issuer's by its name. What else we answer either may own: the root aliases, the
    metadata of resources, and with an issuer that has no path everything.
    """

    answers: Callable[[str], Answers]
    below: str | None
    metadata: frozenset[str]

    @classmethod
    def of(cls, answers: Callable[[str], Answers], issuer: str) -> Self:
        """Return who owns what beside an application of ours at an issuer."""
        path = urlsplit(issuer).path
        named = (each for each in metadata_paths(issuer) if path and path in each)
        return cls(answers, f"{path}/" if path else None, frozenset(named))

    def owner(self, path: str) -> Owner:
        """Return who owns a full path."""
        answers = self.answers(path)
        is_below = self.below is not None and path.startswith(self.below)
        if answers is None or (answers == "that it is off" and not is_below):
            return "host"
        return "ours" if is_below or path in self.metadata else "either"


def is_disowned(status: int, headers: Iterable[tuple[str, str]]) -> bool:
    """Say whether an answer shows that the host has nothing at this path.

    That is 404, and the refusal of a gate that challenges before it knows what lies behind it: the
    kit's, for one. A host's own page is never refused with the metadata of a resource.
    """
    if status == 404:
        return True
    return 400 <= status < 500 and any(
        name.lower() == "www-authenticate" and "resource_metadata=" in value
        for name, value in headers
    )

"""Decides, for every web framework alike, what happens to a request. RFC 6750 §3, RFC 9728 §3"""

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from authserver.resource_server.challenge import Answer
from authserver.resource_server.credentials import PresentedProof
from authserver.resource_server.guard import ResourceServer
from authserver.resource_server.verifier import AccessToken

ENVIRONMENT_KEY = "authserver.access_token"

PathScopes = Mapping[str, Iterable[str]]
_AMBIGUOUS = re.compile(r"//|/\.{1,2}(?:/|\Z)|[\\\0]")


@dataclass(frozen=True, slots=True)
class Gate:
    """Closed by default: every path needs a token but the metadata and the `public` ones.

    `public` and the keys of `path_scopes` each mean a path and all below it; the scopes of all
    matching paths add up.
    """

    guard: ResourceServer
    public: tuple[str, ...] = ()
    path_scopes: Mapping[str, tuple[str, ...]] | None = None

    @classmethod
    def of(cls, guard: ResourceServer, public: Iterable[str], path_scopes: PathScopes) -> "Gate":
        """Return a gate; raises ValueError for a path that does not begin with a slash."""
        if isinstance(public, str):
            raise TypeError("public must be a list of paths")
        paths = (*public, *path_scopes)
        if not all(path.startswith("/") and not _AMBIGUOUS.search(path) for path in paths):
            raise ValueError("a path begins with a slash and has no empty or dot segment")
        scopes = {path: tuple(names) for path, names in path_scopes.items()}
        return cls(guard, tuple(public), scopes)

    def answer_or_judge(
        self, method: str, path: str, headers: Sequence[tuple[str, str]]
    ) -> AccessToken | Answer | None:
        """Return the token that opens the gate, the answer that closes it, or None: it is open.

        `headers` has names in lower case. May block while the issuer's keys are fetched.
        """
        if self.guard.metadata.is_at(path):
            return self.guard.metadata.answer(method)
        if self._is_public(path) or _is_preflight(method, headers):
            return None
        authorization = [value for name, value in headers if name == "authorization"]
        proofs = tuple(value for name, value in headers if name == "dpop")
        presented = PresentedProof(proofs, method, self.guard.url_of(path))
        result = self.guard.admit(authorization, self._required(path), presented)
        if isinstance(result, Answer) and method == "HEAD":
            return replace(result, body=b"")
        return result

    def _is_public(self, path: str) -> bool:
        # An application that resolves /public/../mcp would otherwise open /mcp to everybody.
        return not _AMBIGUOUS.search(path) and any(_is_below(path, top) for top in self.public)

    def _required(self, path: str) -> tuple[str, ...]:
        resolved = posixpath.normpath(re.sub("/+", "/", path))
        rules = (self.path_scopes or {}).items()
        return tuple(
            name
            for top, names in rules
            if _is_below(path, top) or _is_below(resolved, top)
            for name in names
        )


def _is_below(path: str, top: str) -> bool:
    return path == top or path.startswith(f"{top.removesuffix('/')}/")


def _is_preflight(method: str, headers: Sequence[tuple[str, str]]) -> bool:
    """A browser's question before the request: it never carries a token, and does nothing yet."""
    names = {name for name, _ in headers}
    return (
        method == "OPTIONS"
        and {"origin", "access-control-request-method"} <= names
        and "authorization" not in names
    )

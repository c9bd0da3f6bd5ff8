"""Answers what a request lacks. RFC 6750 §3, RFC 9728 §5.1, RFC 9449 §7.1"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from authserver.oauth import dpop
from authserver.oauth.errors import OAuthError
from authserver.resource_server.errors import InsufficientScope, InvalidToken

_NO_ERROR: Mapping[str, str] = {}

# Any page may read the metadata and the challenge: neither holds a secret nor needs a cookie.
CORS = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "WWW-Authenticate, DPoP-Nonce"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer that the kit gives in place of the application."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Challenger:
    """Says what a client must do next: where the metadata is, and which scopes to ask for.

    With `dpop_required` the challenge is that of bound tokens, whatever came in.
    """

    metadata_url: str
    scopes: tuple[str, ...]
    dpop_required: bool = False

    def without_token(self, required: Iterable[str] = ()) -> Answer:
        """Return the 401 that starts a client's discovery: no `error`, for nothing went wrong."""
        challenge = self._challenge(_NO_ERROR, (*self.scopes, *required), is_bound=False)
        return self._answer(401, challenge)

    def refusal(
        self, error: OAuthError, required: Iterable[str] = (), *, is_bound: bool = False
    ) -> Answer:
        """Return the answer to a request that was refused; `is_bound` is the scheme it used."""
        if error.code == "temporarily_unavailable":
            return self._answer(error.status, None, error)
        scopes: Iterable[str] = ()
        if isinstance(error, InvalidToken):
            scopes = (*self.scopes, *required)
        elif isinstance(error, InsufficientScope):
            scopes = error.required
        challenge = self._challenge(error.members(), scopes, is_bound=is_bound)
        return self._answer(error.status, challenge, error)

    def _challenge(
        self, members: Mapping[str, str], scopes: Iterable[str], *, is_bound: bool
    ) -> str:
        # One challenge, of one scheme: clients read the first scheme, and the first `scope=` in it.
        scheme = "DPoP" if is_bound or self.dpop_required else "Bearer"
        parameters = {**members, "resource_metadata": self.metadata_url}
        if scope := " ".join(dict.fromkeys(scopes)):
            parameters["scope"] = scope
        if scheme == "DPoP":
            parameters["algs"] = " ".join(dpop.ALGORITHMS)
        return f"{scheme} " + ", ".join(f'{name}="{value}"' for name, value in parameters.items())

    def _answer(
        self, status: int, challenge: str | None, error: OAuthError | None = None
    ) -> Answer:
        body = json.dumps(error.members()).encode() if error else b""
        headers = [
            *CORS,
            ("Content-Type", "application/json" if error else "text/plain"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            *(error.headers if error else ()),
        ]
        if challenge:
            headers.append(("WWW-Authenticate", challenge))
        return Answer(status, tuple(headers), body)

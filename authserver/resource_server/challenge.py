"""Reads the Authorization header and answers what it lacks. RFC 6750 §2.1, §3, RFC 9728 §5.1"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from authserver.oauth.errors import OAuthError
from authserver.resource_server.errors import InsufficientScope, InvalidToken

_CREDENTIALS = re.compile(r"(?P<scheme>[!#$%&'*+.^_`|~0-9A-Za-z-]+) +(?P<rest>.*)\Z", re.DOTALL)
_BEARER_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*\Z")
_SECOND_BEARER = re.compile(r",\s*bearer\b", re.IGNORECASE)  # how WSGI joins a second header

# Any page may read the metadata and the challenge: neither holds a secret nor needs a cookie.
CORS = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "WWW-Authenticate"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer that the kit gives in place of the application."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""


def bearer_token(authorization: Sequence[str]) -> str | None:
    """Return the token from the values of all Authorization headers, None where there is none.

    Another scheme is as good as none. Raises `invalid_request` for a token without its scheme, for
    two headers and for what is no token. A token is looked for nowhere else, never in the query.
    """
    values = [value.strip(" \t") for value in authorization if value.strip(" \t")]
    if not values:
        return None
    if len(values) > 1 or _SECOND_BEARER.search(values[0]):
        raise OAuthError("invalid_request", "The request has more than one Authorization header.")
    credentials = _CREDENTIALS.match(values[0])
    if credentials is None:
        raise OAuthError("invalid_request", "The Authorization header is not 'Bearer <token>'.")
    if credentials["scheme"].lower() != "bearer":
        return None
    if not _BEARER_TOKEN.match(credentials["rest"]):
        raise OAuthError("invalid_request", "The Authorization header holds no single token.")
    return credentials["rest"]


@dataclass(frozen=True, slots=True)
class Challenger:
    """Says what a client must do next: where the metadata is, and which scopes to ask for."""

    metadata_url: str
    scopes: tuple[str, ...]

    def without_token(self, required: Iterable[str] = ()) -> Answer:
        """Return the 401 that starts a client's discovery: no `error`, for nothing went wrong."""
        return self._answer(401, self._bearer({}, (*self.scopes, *required)))

    def refusal(self, error: OAuthError, required: Iterable[str] = ()) -> Answer:
        """Return the answer to a request that was refused."""
        if error.code == "temporarily_unavailable":
            return self._answer(error.status, None, error)
        scopes: Iterable[str] = ()
        if isinstance(error, InvalidToken):
            scopes = (*self.scopes, *required)
        elif isinstance(error, InsufficientScope):
            scopes = error.required
        return self._answer(error.status, self._bearer(error.members(), scopes), error)

    def _bearer(self, members: dict[str, str], scopes: Iterable[str]) -> str:
        # One challenge, of one scheme: clients read the first scheme, and the first `scope=` in it.
        parameters = members | {"resource_metadata": self.metadata_url}
        if scope := " ".join(dict.fromkeys(scopes)):
            parameters["scope"] = scope
        return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parameters.items())

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

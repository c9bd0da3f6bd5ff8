"""What machine endpoints take and return: small frozen values, no web framework: RFC 9110."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from authserver.oauth.params import Params

if TYPE_CHECKING:
    from authserver.app import AuthServer

Headers = tuple[tuple[str, str], ...]
Body = Literal["none", "form", "json"]


@dataclass(frozen=True, slots=True)
class Request:
    """One request: `headers` in lower case, `params` of a form body, `now` read once for it.

    `address` is the peer's, or what trusted proxies say it is.
    """

    id: str
    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    params: Params = field(repr=False)
    has_query: bool
    address: str
    now: int

    def header(self, name: str) -> str | None:
        """Return a header's value, None where it is absent."""
        return self.headers.get(name)


@dataclass(frozen=True, slots=True)
class Response:
    """One response; `headers` are added to those that the adapter sets for all."""

    status: int
    body: bytes = b""
    headers: Headers = ()
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A machine endpoint: where it is, what it takes, and whether browsers may call it (CORS).

    A `closed` one only says that what is asked for is switched off.
    """

    path: str
    methods: tuple[str, ...]
    function: "Callable[[AuthServer, Request], Response]"
    body: Body = "none"
    cors: bool = True
    cacheable: bool = False
    closed: bool = False


def json_response(
    document: Mapping[str, object], status: int = 200, headers: Headers = ()
) -> Response:
    """Return a JSON response."""
    return Response(status, json.dumps(document, separators=(",", ":")).encode(), headers)

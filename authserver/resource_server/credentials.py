"""Reads the Authorization and DPoP headers of a request. RFC 6750 §2.1, RFC 9449 §7.1"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from authserver.oauth.errors import OAuthError

_CREDENTIALS = re.compile(r"(?P<scheme>[!#$%&'*+.^_`|~0-9A-Za-z-]+) +(?P<rest>.*)\Z", re.DOTALL)
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*\Z")
_SECOND = re.compile(r",\s*(?:bearer|dpop)\b", re.IGNORECASE)  # how WSGI joins a second header
_SCHEMES = ("bearer", "dpop")


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access token as it was presented: as a bearer token, or with a proof (`is_bound`)."""

    token: str = field(repr=False)
    is_bound: bool = False


@dataclass(frozen=True, slots=True)
class PresentedProof:
    """The DPoP headers of a request, with its method, and its URL as the client knows it."""

    headers: tuple[str, ...] = field(repr=False)
    method: str
    url: str


def read(authorization: Sequence[str]) -> Credentials | None:
    """Return the token from the values of all Authorization headers, None where there is none.

    Another scheme is as good as none. Raises `invalid_request` for a token without its scheme, for
    two headers and for what is no token. A token is looked for nowhere else, never in the query.
    """
    values = [value.strip(" \t") for value in authorization if value.strip(" \t")]
    if not values:
        return None
    if len(values) > 1 or _SECOND.search(values[0]):
        raise OAuthError("invalid_request", "The request has more than one Authorization header.")
    credentials = _CREDENTIALS.match(values[0])
    if credentials is None:
        raise OAuthError("invalid_request", "The Authorization header is not 'Bearer <token>'.")
    scheme = credentials["scheme"].lower()
    if scheme not in _SCHEMES:
        return None
    if not _TOKEN.match(credentials["rest"]):
        raise OAuthError("invalid_request", "The Authorization header holds no single token.")
    return Credentials(credentials["rest"], is_bound=scheme == "dpop")

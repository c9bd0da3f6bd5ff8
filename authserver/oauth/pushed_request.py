"""An authorization request that a client pushed before it sent the browser: RFC 9126 §2.2, §4."""

from dataclasses import dataclass

from authserver.oauth import opaque
from authserver.oauth.authorization import AuthorizationRequest

LIFETIME = 90  # seconds from the push to the browser
_PREFIX = "urn:ietf:params:oauth:request_uri:"


@dataclass(frozen=True, slots=True)
class PushedRequest:
    """A checked request that waits for its browser, under the digest of its `request_uri`.

    `network_digest` is of the network that pushed it.
    """

    digest: str
    request: AuthorizationRequest
    network_digest: str
    expires_at: int


def new_request_uri() -> str:
    """Return a `request_uri` that nobody can guess."""
    return opaque.random_value(_PREFIX)


def is_reference(request_uri: str | None) -> bool:
    """Say whether a `request_uri` names a pushed request, and is nothing to fetch."""
    return request_uri is not None and request_uri.startswith(_PREFIX)


def answers_to(pushed: PushedRequest, client_id: str, now: int) -> bool:
    """Say whether a pushed request is this client's, and in time."""
    return pushed.request.client_id == client_id and now < pushed.expires_at

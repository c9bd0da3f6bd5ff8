"""Asks the authorization server as a client, in JSON. RFC 6749 §2.3.1, §3.2"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote_plus

import requests
import urllib3

from authserver.oauth.strict_json import parse_object
from authserver.resource_server.fetching import Fetching

_MAX_BYTES = 1_048_576


class Unreachable(Exception):
    """There was no answer in time, or none that is JSON."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One JSON answer."""

    status: int
    document: dict[str, object] = field(repr=False)
    retry_after: str | None = None
    dpop_nonce: str | None = None


class Connection:
    """A connection to the authorization server; `timeout` is for a whole answer, in seconds."""

    def __init__(self, *, ca_bundle: str | None = None, timeout: float = 10.0) -> None:
        self._fetching = Fetching(ca_bundle, max_bytes=_MAX_BYTES, timeout=timeout)

    def get(self, url: str) -> Reply:
        """Ask for a document; raises Unreachable."""
        return self._ask("GET", url, {}, None)

    def post(
        self,
        url: str,
        form: Sequence[tuple[str, str]],
        authorization: str,
        proof: str | None = None,
    ) -> Reply:
        """Send a form, with a proof of possession where there is one; raises Unreachable."""
        headers = {"Authorization": authorization, **({"DPoP": proof} if proof else {})}
        return self._ask("POST", url, headers, form)

    def _ask(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        form: Sequence[tuple[str, str]] | None,
    ) -> Reply:
        try:
            accepting = {"Accept": "application/json", **headers}
            found = self._fetching.send(method, url, accepting, form)
            document = parse_object(found.body)
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            reason = type(error).__name__
        else:
            names = ("retry-after", "dpop-nonce")
            return Reply(found.status, document, *(found.headers.get(name) for name in names))
        # Raised out here: the errors of libraries may hold what was sent.
        raise Unreachable(reason)


def basic(client_id: str, client_secret: str) -> str:
    """Return the Authorization header of a client, form-encoded (RFC 6749 §2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"

"""What the login sends and gets: JSON, bounded in time and size, to where it was told: RFC 9110"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import requests

from authserver.login.errors import LoginFailed
from authserver.oauth.strict_json import parse_object

_TIMEOUT = 10
_MAX_BYTES = 1024 * 1024
_PIECE = 16 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: its status, its headers, and its body where that is a JSON object."""

    status: int
    headers: Mapping[str, str]
    document: Mapping[str, object] = field(repr=False)


class Http:
    """One client; proxies and authorities are those of the environment, as requests reads it."""

    def __init__(self) -> None:
        self._session = requests.Session()
        # Else a line of ~/.netrc would take the place of the token.
        self._session.auth = lambda request: request

    def get(self, url: str) -> Answer:
        """GET a document; raises LoginFailed where nobody answers."""
        return self._send("GET", url, {"Accept": "application/json"})

    def post_form(self, url: str, form: Mapping[str, str]) -> Answer:
        """POST a form; raises LoginFailed where nobody answers."""
        return self._send("POST", url, {"Accept": "application/json"}, form=form)

    def post_json(
        self, url: str, document: Mapping[str, object], headers: Mapping[str, str]
    ) -> Answer:
        """POST a JSON document; raises LoginFailed where nobody answers."""
        return self._send("POST", url, headers, document=document)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        form: Mapping[str, str] | None = None,
        document: Mapping[str, object] | None = None,
    ) -> Answer:
        try:
            with self._session.request(
                method,
                url,
                headers=dict(headers),
                data=form,
                json=document,
                allow_redirects=False,  # a token or a code goes nowhere else
                timeout=_TIMEOUT,
                stream=True,
            ) as response:
                return Answer(response.status_code, response.headers, _object(_body(response)))
        except requests.RequestException as error:
            reason = type(error).__name__
        raise LoginFailed(f"{url.partition('?')[0]} does not answer ({reason}).")


def _body(response: requests.Response) -> bytes:
    body = b""
    if "event-stream" in response.headers.get("Content-Type", ""):
        return body  # an MCP server may answer with events without end
    for piece in response.iter_content(_PIECE):
        body += piece
        if len(body) > _MAX_BYTES:
            return b""
    return body


def _object(body: bytes) -> Mapping[str, object]:
    try:
        return parse_object(body)
    except ValueError:
        return {}

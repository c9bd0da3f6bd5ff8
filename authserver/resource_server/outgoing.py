"""Puts the exchanged token on what a gateway passes on, and takes ours off. RFC 8693, RFC 9449 §7

A gateway is an application behind `protect_wsgi` or `protect_asgi` that passes requests on. What it
gets has the token of its target in place of the one that came in; where there is none, the request
ends here: the incoming token is never passed on.
"""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from authserver.oauth.errors import OAuthError
from authserver.resource_server import credentials
from authserver.resource_server.asgi import Application, Receive, Scope, Send, send_answer
from authserver.resource_server.challenge import Answer
from authserver.resource_server.exchange import TokenExchanger
from authserver.resource_server.exchanged import ExchangedToken, ExchangeFailed

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

AUTHORIZATION = "Authorization"
DPOP = "DPoP"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """For whom tokens are exchanged, and the header that carries them.

    Whichever header it is, `Authorization` goes no further as it came. `url` is the target's, as
    its server knows it: tokens that are bound to a key go with a proof for that URL.
    """

    exchanger: TokenExchanger
    audience: str
    scope: tuple[str, ...] = ()
    header: str = AUTHORIZATION
    url: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no header's name."""
        if not self.header.replace("-", "").isalnum() or not self.header.isascii():
            raise ValueError("header must be the name of a header, of letters, digits and -")

    def exchange(self, method: str, authorization: list[str]) -> dict[str, str] | Answer:
        """Return the headers to pass on, or the answer to a request that cannot go on."""
        try:
            incoming = credentials.read(authorization)
        except OAuthError:
            incoming = None
        if incoming is None:
            return _answer(502, "invalid_request", "The request has no token to exchange.")
        try:
            token = self.exchanger.token(incoming.token, audience=self.audience, scope=self.scope)
        except ExchangeFailed as error:
            retry = () if error.retry_after is None else (("Retry-After", str(error.retry_after)),)
            status = 503 if error.is_temporary else 502
            return _answer(status, error.error, "There is no token for the target.", *retry)
        if token.is_bound and self.url is None:
            return _answer(502, "invalid_request", "The gateway does not know the target's URL.")
        return self.headers(token, method, self.url or "")

    def headers(
        self, token: ExchangedToken, method: str, url: str, nonce: str | None = None
    ) -> dict[str, str]:
        """Return the headers that carry a token, and the proof of one that is bound."""
        carried = {self.header: f"{token.token_type} {token.access_token}"}
        proof = self.exchanger.proof(token, method, url, nonce)
        return carried if proof is None else {**carried, DPOP: proof}


def exchange_wsgi(app: "WSGIApplication", outgoing: Outgoing) -> "WSGIApplication":
    """Return the WSGI application of a gateway that gets exchanged tokens."""

    def exchanging(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        incoming = environ.pop("HTTP_AUTHORIZATION", None)
        environ.pop("HTTP_DPOP", None)
        method = environ["REQUEST_METHOD"]
        result = outgoing.exchange(method, [] if incoming is None else [incoming])
        if isinstance(result, Answer):
            phrase = HTTPStatus(result.status).phrase
            start_response(f"{result.status} {phrase}", list(result.headers))
            return [result.body]
        for name, value in result.items():
            environ["HTTP_" + name.upper().replace("-", "_")] = value
        return app(environ, start_response)

    return exchanging


def exchange_asgi(app: Application, outgoing: Outgoing) -> Application:
    """Return the ASGI application of a gateway that gets exchanged tokens."""
    taken_off = {AUTHORIZATION.lower().encode(), DPOP.lower().encode()}
    taken_off.add(outgoing.header.lower().encode())

    async def exchanging(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        headers = [(key.lower(), value) for key, value in scope["headers"]]
        incoming = [value.decode("latin-1") for key, value in headers if key == b"authorization"]
        method = scope.get("method", "GET")
        result = await asyncio.to_thread(outgoing.exchange, method, incoming)
        if isinstance(result, Answer):
            await send_answer(scope, send, result)
            return
        kept = [pair for pair in headers if pair[0] not in taken_off]
        added = [(name.lower().encode(), value.encode()) for name, value in result.items()]
        await app({**scope, "headers": [*kept, *added]}, receive, send)

    return exchanging


def _answer(status: int, error: str, description: str, *headers: tuple[str, str]) -> Answer:
    body = json.dumps({"error": error, "error_description": description}).encode()
    shared = (
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
    )
    return Answer(status, (*shared, *headers), body)

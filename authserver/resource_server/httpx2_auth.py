"""Exchanged tokens on what an httpx2 client sends, the MCP SDK's too. RFC 8693, RFC 9449 §7

    client = httpx2.AsyncClient(auth=ExchangeAuth(Outgoing(exchanger, "wiki"), incoming))

With the older httpx: `class ExchangeAuth(ExchangeFlow, httpx.Auth): ...`.
A target that answers 401 is asked once more with a new token, for the one that was kept may have
been revoked.
"""

import asyncio
from collections.abc import AsyncGenerator, Generator
from typing import Any

from authserver.resource_server.exchanged import ExchangedToken
from authserver.resource_server.outgoing import AUTHORIZATION, DPOP, Outgoing

try:
    import httpx2
except ImportError as error:
    raise ImportError("needs httpx2, as the MCP SDK does: pip install httpx2") from error


class ExchangeFlow:
    """Sends each request with a token of its target; raises ExchangeFailed where there is none.

    `subject_token` is the token that came in. It stays here.
    """

    def __init__(self, outgoing: Outgoing, subject_token: str) -> None:
        self._outgoing = outgoing
        self._subject_token = subject_token

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:  # noqa: ANN401 - of either library
        """Send a request of a blocking client."""
        self._put(request, self._token())
        response = yield request
        if response.status_code == 401:
            nonce = self._forget(response)
            self._put(request, self._token(), nonce)
            yield request

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:  # noqa: ANN401 - of either library
        """Send a request of an asynchronous client."""
        self._put(request, await asyncio.to_thread(self._token))
        response = yield request
        if response.status_code == 401:
            nonce = self._forget(response)
            self._put(request, await asyncio.to_thread(self._token), nonce)
            yield request

    def _token(self) -> ExchangedToken:
        out = self._outgoing
        return out.exchanger.token(self._subject_token, audience=out.audience, scope=out.scope)

    def _forget(self, response: Any) -> str | None:  # noqa: ANN401 - of either library
        """Forget a token that was refused, unless only its proof lacked the nonce returned."""
        if "use_dpop_nonce" not in response.headers.get("WWW-Authenticate", ""):
            out = self._outgoing
            out.exchanger.forget(self._subject_token, audience=out.audience, scope=out.scope)
        nonce = response.headers.get("DPoP-Nonce")
        return None if nonce is None else str(nonce)

    def _put(
        self,
        request: Any,  # noqa: ANN401 - of either library
        token: ExchangedToken,
        nonce: str | None = None,
    ) -> None:
        for name in (AUTHORIZATION, DPOP):
            request.headers.pop(name, None)
        headers = self._outgoing.headers(token, request.method, str(request.url), nonce)
        request.headers.update(headers)


class ExchangeAuth(ExchangeFlow, httpx2.Auth):
    """What `httpx2.Client(auth=...)` and `httpx2.AsyncClient(auth=...)` take."""

"""Asks the authorization server with a proof of this server's own key. RFC 9449 §5, §8"""

import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Sequence

from authserver.oauth import binding
from authserver.oauth.strict_json import parse_object
from authserver.resource_server.connection import Connection, Reply
from authserver.resource_server.proof_key import ProofKey

_NONCE_ERROR = "use_dpop_nonce"


class Possessor:
    """Sends forms as one client, each with a new proof; a nonce that is asked for is remembered."""

    def __init__(
        self,
        connection: Connection,
        authorization: str,
        clock: Callable[[], int] = lambda: int(time.time()),
    ) -> None:
        self.key = ProofKey()
        self._connection = connection
        self._authorization = authorization
        self._clock = clock
        self._nonce: str | None = None

    def post(self, url: str, form: Sequence[tuple[str, str]]) -> Reply:
        """Send a form, and once more where its proof lacked the nonce; raises Unreachable."""
        reply = self._send(url, form)
        if reply.document.get("error") == _NONCE_ERROR and reply.dpop_nonce:
            reply = self._send(url, form)
        return reply

    def _send(self, url: str, form: Sequence[tuple[str, str]]) -> Reply:
        proof = self.key.proof("POST", url, self._clock(), nonce=self._nonce)
        reply = self._connection.post(url, form, self._authorization, proof)
        self._nonce = reply.dpop_nonce or self._nonce
        return reply


def is_bound(token: str) -> bool:
    """Say whether a token that was verified before is bound to a key."""
    payload = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        claims = parse_object(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        return False
    return binding.confirmed(claims) is not None

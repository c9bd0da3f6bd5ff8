"""Pushed authorization requests, each good once: RFC 9126 §2.2"""

from sqlalchemy import bindparam, delete, insert, select

from authserver.oauth.pushed_request import PushedRequest
from authserver.storage import documents, tables
from authserver.storage.connected import Connected
from authserver.storage.logins import authorization_request, request_columns

_pushed = tables.pushed_requests

_FIND = select(_pushed).where(_pushed.c.digest == bindparam("digest_of"))
_ADD = insert(_pushed)
_SPEND = (
    delete(_pushed)
    .where(_pushed.c.digest == bindparam("digest_of"), _pushed.c.expires_at > bindparam("now"))
    .returning(_pushed.c.digest)
)


class PushedRequestReads(Connected):
    """Reading pushed requests."""

    def pushed_request(self, digest: str) -> PushedRequest | None:
        """Return a pushed request, expired ones too."""
        row = self._row(_FIND, {"digest_of": digest})
        if row is None:
            return None
        request = authorization_request(row["request"])
        return PushedRequest(digest, request, row["network_digest"], row["expires_at"])


class PushedRequestWrites(PushedRequestReads):
    """Keeping and spending pushed requests."""

    def add_pushed_request(self, pushed: PushedRequest) -> None:
        """Keep a request until its browser comes."""
        row = {**documents.members(pushed), **request_columns(pushed.request)}
        self._changed(_ADD, row)

    def spend_pushed_request(self, digest: str, now: int) -> bool:
        """Take a pushed request once; False where it is spent or expired."""
        return self._row(_SPEND, {"digest_of": digest, "now": now}) is not None

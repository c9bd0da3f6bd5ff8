"""Logout tokens: each is taken once: OpenID Connect Back-Channel Logout 1.0 §2.6"""

from collections.abc import Sequence

from sqlalchemy import bindparam, literal, select

from authserver.storage import tables
from authserver.storage.connected import Connected, on_both

_tokens = tables.logout_tokens

_SPEND = on_both(
    lambda insert: (
        insert(_tokens)
        .on_conflict_do_nothing(index_elements=[_tokens.c.digest])
        .returning(_tokens.c.digest)
    )
)
_ENDED_SINCE = (
    select(literal(1))
    .where(
        _tokens.c.ends.in_(bindparam("names", expanding=True)),
        _tokens.c.received_at >= bindparam("since"),
    )
    .limit(1)
)


class LogoutReads(Connected):
    """Reading what was logged out."""

    def is_logged_out_since(self, names: Sequence[str], since: int) -> bool:
        """Say whether a logout token came since then that ends what one of the names says."""
        return self._scalar(_ENDED_SINCE, {"names": list(names), "since": since}) is not None


class LogoutWrites(Connected):
    """A logout."""

    def spend_logout_token(
        self, digest: str, *, ends: str, received_at: int, expires_at: int
    ) -> bool:
        """Take a logout token once; False where it was taken before."""
        row = {
            "digest": digest, "ends": ends, "received_at": received_at, "expires_at": expires_at,
        }  # fmt: skip
        return self._row(_SPEND, row) is not None

"""Whether what a token hangs on still stands, and revoking single tokens: RFC 7009 §2.1."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, exists, literal, select

from authserver.oauth import epoch
from authserver.oauth.anchor import Anchor
from authserver.oauth.grant import Grant
from authserver.oauth.user import User
from authserver.storage import tables
from authserver.storage.connected import on_both
from authserver.storage.epochs import EpochReads
from authserver.storage.users import USER_COLUMNS, split_user

_grants, _users, _revoked = tables.grants, tables.users, tables.revoked_tokens

_REVOKED = exists().where(_revoked.c.jti.in_(bindparam("jtis", expanding=True))).label("revoked")
_OF_GRANT = (
    select(_grants, *USER_COLUMNS, _REVOKED)
    .outerjoin(_users, _users.c.sub == _grants.c.sub)
    .where(_grants.c.id == bindparam("grant_id"))
)
_NOBODY = select(literal(1).label("one")).subquery()
_OF_SUBJECT = (
    select(*USER_COLUMNS, _REVOKED)
    .select_from(_NOBODY)
    .outerjoin(_users, _users.c.sub == bindparam("sub"))
)
_REVOKE_TOKEN = on_both(
    lambda insert: insert(_revoked).on_conflict_do_nothing(index_elements=[_revoked.c.jti])
)


@dataclass(frozen=True, slots=True)
class LiveToken:
    """A token of ours that holds: whose it is, None where that is no user of ours."""

    user: User | None
    grant: Grant | None = None


class AnchorReads(EpochReads):
    """Looking up what tokens hang on."""

    def live_token(
        self, anchor: Anchor, sub: str, jtis: Sequence[str], now: int
    ) -> LiveToken | None:
        """Return what a token hangs on, in two reads; None where any of it was revoked or ended.

        `jtis` are the token's own id and those of all that it was exchanged from.
        """
        if anchor.grant_id is None:
            return self._of_subject(anchor, sub, jtis)
        row = self._row(_OF_GRANT, {"grant_id": anchor.grant_id, "jtis": list(jtis)})
        if row is None or row["revoked"]:
            return None
        found, user = split_user({name: row[name] for name in row if name != "revoked"})
        grant = Grant(**found)
        is_over = grant.revoked_at is not None or now >= grant.expires_at
        if user is None or is_over or self.epoch_sum(grant.epoch_subjects) != grant.epochs:
            return None
        return LiveToken(user, grant)

    def _of_subject(self, anchor: Anchor, sub: str, jtis: Sequence[str]) -> LiveToken | None:
        row = self._row(_OF_SUBJECT, {"sub": sub, "jtis": list(jtis)})
        if row is None or row["revoked"]:
            return None
        if self.epoch_sum(epoch.of_subject(sub, anchor.client_id)) != anchor.epochs:
            return None
        return LiveToken(split_user(row)[1])


class AnchorWrites(AnchorReads):
    """Revoking single tokens."""

    def revoke_token(self, jti: str, expires_at: int) -> None:
        """End an access token and what was exchanged from it; remembered until they expire."""
        self._changed(_REVOKE_TOKEN, {"jti": jti, "expires_at": expires_at})

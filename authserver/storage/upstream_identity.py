"""What the users of this database are known by, and what becomes of them when it changes."""

from sqlalchemy import bindparam, func, select, update

from authserver.oauth import epoch
from authserver.settings.fingerprint import UpstreamFingerprint
from authserver.storage import tables
from authserver.storage.connected import Connected, on_both
from authserver.storage.epochs import EpochWrites

_identity, _users = tables.upstream_identity, tables.users
_KEY = {"key": "upstream"}
_PARTS = ("type", "issuer", "client_id", "subject_source")
RETIRED = "retired:"  # no issuer begins so: whoever signs in, is nobody of these

_FIND = select(*(_identity.c[name] for name in _PARTS)).where(_identity.c.key == bindparam("key"))
_ADD = on_both(
    lambda insert: insert(_identity).on_conflict_do_nothing(index_elements=[_identity.c.key])
)
_REPLACE = on_both(
    lambda insert: (statement := insert(_identity)).on_conflict_do_update(
        index_elements=[_identity.c.key],
        set_={name: statement.excluded[name] for name in (*_PARTS, "since")},
    )
)
_is_active = _users.c.upstream_issuer.not_like(f"{RETIRED}%")
_by_issuer = _users.c.upstream_issuer == bindparam("issuer")
_COUNTS = (
    select(_users.c.upstream_issuer, func.count().label("users"))
    .where(_is_active)
    .group_by(_users.c.upstream_issuer)
)
_SUBS = select(_users.c.sub).where(_by_issuer)
_MOVE = update(_users).where(_by_issuer).values(upstream_issuer=bindparam("destination"))
_there = _users.alias("there")
_DOUBLES = (
    select(func.count())
    .select_from(_users)
    .join(_there, _there.c.upstream_subject == _users.c.upstream_subject)
    .where(_by_issuer, _there.c.upstream_issuer == bindparam("destination"))
)


class UpstreamIdentityReads(Connected):
    """Reading what users are known by."""

    def upstream_identity(self) -> UpstreamFingerprint | None:
        """Return what the users are known by, None before the first start."""
        row = self._row(_FIND, _KEY)
        return None if row is None else UpstreamFingerprint(**row)

    def count_users(self) -> dict[str, int]:
        """Return how many users each issuer has; those who were retired do not count."""
        return {row["upstream_issuer"]: row["users"] for row in self._rows(_COUNTS, {})}

    def count_doubles(self, issuer: str, destination: str) -> int:
        """Return how many subjects of one issuer the other one has as well."""
        return int(self._scalar(_DOUBLES, {"issuer": issuer, "destination": destination}))


class UpstreamIdentityWrites(EpochWrites):
    """Writing it down, and carrying users over a change."""

    def add_upstream_identity(self, identity: UpstreamFingerprint, now: int) -> None:
        """Write down what users are known by, unless that is written down already."""
        self._changed(_ADD, _row(identity, now))

    def replace_upstream_identity(self, identity: UpstreamFingerprint, now: int) -> None:
        """Write down what users are known by from now on."""
        self._changed(_REPLACE, _row(identity, now))

    def move_users(self, issuer: str, destination: str) -> None:
        """Make the users of one issuer those of another, which has none of their subjects."""
        self._changed(_MOVE, {"issuer": issuer, "destination": destination})

    def retire_users(self, issuer: str, now: int) -> None:
        """End all that the users of an issuer have, and let nobody be one of them again."""
        for row in self._rows(_SUBS, {"issuer": issuer}):
            self.bump_epoch(epoch.user(row["sub"]))
        self.move_users(issuer, f"{RETIRED}{now}:{issuer}")


def _row(identity: UpstreamFingerprint, now: int) -> dict[str, object]:
    return {**_KEY, **{name: getattr(identity, name) for name in _PARTS}, "since": now}

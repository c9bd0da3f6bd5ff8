"""What depends on a sealing key: values that it sealed, refresh tokens that it made"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    union_all,
    update,
)

from authserver.storage import tables
from authserver.storage.connected import Connected

VaultColumn = Literal["access_token", "refresh_token", "id_token"]
VAULT_COLUMNS: tuple[VaultColumn, ...] = ("access_token", "refresh_token", "id_token")

_tokens, _grants, _keys = tables.upstream_tokens, tables.grants, tables.signing_keys
_NOW: ColumnElement[int] = bindparam("now", type_=_grants.c.expires_at.type)
_VERSION = "v1:"  # of `sealing`; eight characters of the key's id and a colon follow


@dataclass(frozen=True, slots=True)
class VaultRow:
    """The values of one row of the vault by column, as they are stored; NULL is none of them."""

    digest: str
    values: Mapping[VaultColumn, str] = field(repr=False)


def _sealed_by(column: VaultColumn) -> Select[Any]:
    stored = _tokens.c[column]
    named = func.substr(stored, 1, len(_VERSION)) == _VERSION
    # Whatever is not sealed stays in the database: only its count comes out.
    kid = case((named, func.substr(stored, len(_VERSION) + 1, 8)), else_="").label("kid")
    return select(kid, func.count().label("values")).where(stored.is_not(None)).group_by(kid)


_COUNT = union_all(*(_sealed_by(column) for column in VAULT_COLUMNS))
_COUNT_GRANTS = (
    select(_grants.c.refresh_kid.label("kid"), func.count().label("values"))
    .where(
        _grants.c.revoked_at.is_(None),
        _grants.c.expires_at > _NOW,
        _grants.c.idle_expires_at > _NOW,
    )
    .group_by(_grants.c.refresh_kid)
)
_ROWS = (
    select(_tokens.c.digest, *(_tokens.c[name] for name in VAULT_COLUMNS))
    .where(_tokens.c.digest > bindparam("after"))
    .order_by(_tokens.c.digest)
    .limit(bindparam("batch"))
)
_RESEAL = {
    column: update(_tokens)
    .where(_tokens.c.digest == bindparam("row"), _tokens.c[column] == bindparam("old"))
    .values({column: bindparam("new")})
    for column in VAULT_COLUMNS
}
_PREFIX = bindparam("prefix", type_=_keys.c.sealed.type)
_DELETE_TOKENS = delete(_tokens).where(
    or_(*(_tokens.c[name].startswith(_PREFIX) for name in VAULT_COLUMNS))
)
_DELETE_KEYS = delete(_keys).where(_keys.c.sealed.startswith(_PREFIX))
_REVOKE_GRANTS = (
    update(_grants)
    .where(_grants.c.refresh_kid == bindparam("kid"), _grants.c.revoked_at.is_(None))
    .values(revoked_at=_NOW)
)


class SealedReads(Connected):
    """Counting what depends on which key."""

    def vault_values(self) -> Counter[str]:
        """Return how many values of the vault each key sealed; those not sealed under ''."""
        return self._counted(_COUNT, {})

    def refresh_families(self, now: int) -> Counter[str]:
        """Return how many live grants have a refresh token of each key; '' where it is unknown."""
        return self._counted(_COUNT_GRANTS, {"now": now})

    def vault_rows(self, after: str, batch: int) -> tuple[VaultRow, ...]:
        """Return the rows of the vault that follow one, '' for the first ones."""
        rows = self._rows(_ROWS, {"after": after, "batch": batch})
        return tuple(
            VaultRow(row["digest"], {name: row[name] for name in VAULT_COLUMNS if row[name]})
            for row in rows
        )

    def _counted(self, statement: Any, parameters: Mapping[str, object]) -> Counter[str]:  # noqa: ANN401 - a SELECT or a UNION
        counted: Counter[str] = Counter()
        for row in self._rows(statement, parameters):
            counted[row["kid"] or ""] += int(row["values"])
        return counted


class SealedWrites(Connected):
    """Sealing anew, and giving up what a lost key sealed."""

    def reseal_vault_value(self, digest: str, column: VaultColumn, *, old: str, new: str) -> bool:
        """Replace a value; False where it is no longer `old`: a newer one is never overwritten."""
        return self._changed(_RESEAL[column], {"row": digest, "old": old, "new": new}) == 1

    def forget_sealing_key(self, kid: str, now: int) -> tuple[int, int, int]:
        """Delete what a key sealed and end the grants whose refresh tokens it made.

        Return how many signing keys, rows of the vault and grants.
        """
        sealed = {"prefix": f"{_VERSION}{kid}:"}
        return (
            self._changed(_DELETE_KEYS, sealed),
            self._changed(_DELETE_TOKENS, sealed),
            self._changed(_REVOKE_GRANTS, {"kid": kid, "now": now}),
        )

"""The configuration that was last taken, by section, and what is stored that refers to it"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BindParameter, bindparam, delete, distinct, func, select, update

from authserver.storage import documents, tables
from authserver.storage.connected import Connected, on_both

_sections, _grants = tables.config_sections, tables.grants
_tokens = tables.upstream_tokens
_NOW = bindparam("now", type_=_grants.c.expires_at.type)


@dataclass(frozen=True, slots=True)
class StoredSection:
    """A section as it was when an instance last started with it; `kid` keyed the digests."""

    name: str
    identifier: str | None
    kid: str
    whole: str
    shape: str
    taken_at: int


@dataclass(frozen=True, slots=True)
class Referrers:
    """What is stored that refers to a section."""

    grants: int
    users: int
    clients: int

    def __str__(self) -> str:
        """Return it for people."""
        return f"{self.grants} live grants, of {self.users} users and {self.clients} clients"


_IDENTIFIERS: BindParameter[str] = bindparam("identifiers", expanding=True)
_ALL = select(_sections).order_by(_sections.c.name)
_TAKE = on_both(
    lambda insert: (statement := insert(_sections)).on_conflict_do_update(
        index_elements=[_sections.c.name],
        set_={
            each: statement.excluded[each]
            for each in ("identifier", "kid", "whole", "shape", "taken_at")
        },
    )
)
_FORGET = delete(_sections).where(_sections.c.name == bindparam("section"))
_LIVE = (
    _grants.c.revoked_at.is_(None)
    & (_grants.c.expires_at > _NOW)
    & (_grants.c.idle_expires_at > _NOW)
)
_OF = {
    "resources": _grants.c.resource.in_(_IDENTIFIERS),
    "clients": _grants.c.client_id.in_(_IDENTIFIERS),
}
_COUNTS = {
    kind: select(
        func.count().label("grants"),
        func.count(distinct(_grants.c.sub)).label("users"),
        func.count(distinct(_grants.c.client_id)).label("clients"),
    ).where(condition, _LIVE)
    for kind, condition in _OF.items()
}
_SOME = {
    kind: select(_grants.c.id).where(condition, _LIVE).limit(bindparam("batch"))
    for kind, condition in _OF.items()
}
_END = (
    update(_grants)
    .where(_grants.c.id.in_(bindparam("ids", expanding=True)), _grants.c.revoked_at.is_(None))
    .values(revoked_at=_NOW)
)
_URLS = select(_grants.c.resource).where(_LIVE).distinct()


class ConfigSectionReads(Connected):
    """Reading what was taken, and who refers to it."""

    def config_sections(self) -> tuple[StoredSection, ...]:
        """Return every section of the configuration that was last taken."""
        return tuple(StoredSection(**row) for row in self._rows(_ALL, {}))

    def referrers(self, kind: str, identifiers: Sequence[str], now: int) -> Referrers:
        """Return what refers to a section of a kind, "resources" or "clients"."""
        row = self._row(_COUNTS[kind], {"identifiers": list(identifiers), "now": now})
        return Referrers(**row) if row else Referrers(0, 0, 0)

    def resource_urls(self, now: int) -> Sequence[str]:
        """Return the URLs of the resources that live grants are for."""
        return self._execute(_URLS, {"now": now}).scalars().all()

    def referring_grants(
        self, kind: str, identifiers: Sequence[str], now: int, batch: int
    ) -> Sequence[str]:
        """Return the ids of up to `batch` live grants that refer to a section."""
        parameters = {"identifiers": list(identifiers), "now": now, "batch": batch}
        return self._execute(_SOME[kind], parameters).scalars().all()


class ConfigSectionWrites(ConfigSectionReads):
    """Taking a configuration."""

    def take_section(self, section: StoredSection) -> None:
        """Write down a section."""
        self._changed(_TAKE, documents.members(section))

    def forget_section(self, name: str) -> None:
        """Forget a section that is taken out."""
        self._changed(_FORGET, {"section": name})

    def revoke_grants(self, ids: Sequence[str], now: int) -> int:
        """Revoke these grants; return how many were not revoked before."""
        return self._changed(_END, {"ids": list(ids), "now": now})

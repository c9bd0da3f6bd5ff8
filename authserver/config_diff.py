"""The configuration against the one that was last taken: what changed, and who refers to it

Something that grants refer to is not taken out by an edit of a file: the start is refused with
the count, unless the operator says that they end (docs/operating.md#taking-something-out).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from authserver.oauth import resource
from authserver.settings import Settings
from authserver.settings.sections import Section
from authserver.storage.config_sections import Referrers, StoredSection
from authserver.storage.store import Reads, Store

What = Literal["added", "removed", "changed", "secret changed", "unknown"]
_BATCH = 100
_KINDS = ("resources", "clients")  # that stored things refer to


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one section since it was last taken.

    `referrers` are there where what it was is gone though live grants refer to it.
    """

    section: str
    what: What
    referrers: Referrers | None = None


class StillReferred(Exception):
    """The configuration lacks what live grants refer to."""

    def __init__(self, changes: tuple[Change, ...]) -> None:
        lines = "\n".join(f"  - {each.section}: {each.referrers}" for each in changes)
        super().__init__(
            "The configuration lacks what is still in use:\n"
            f"{lines}\n"
            "    -> put it back; with retire = true a resource takes no new logins while its "
            "grants run out;\n"
            "       or end these grants with authserver serve --revoke"
        )
        self.changes = changes


def changes(reads: Reads, settings: Settings, now: int) -> tuple[Change, ...]:
    """Return what changed; a section that is as it was is left out."""
    return _changes(reads, _stored(reads), settings, now)


def take(store: Store, settings: Settings, now: int, *, revoke: bool = False) -> tuple[str, ...]:
    """Take the configuration, and write down what it says.

    Raises StillReferred, unless `revoke` says that the grants that refer to what is gone end: of
    them a sentence each is returned.
    """
    with store.read() as reads:
        stored = _stored(reads)
        found = _changes(reads, stored, settings, now)
    in_use = tuple(each for each in found if each.referrers)
    if in_use and not revoke:
        raise StillReferred(in_use)
    for each in in_use:
        _end(store, stored[each.section], now)
    if found:
        _write_down(store, settings, found, now)
    return tuple(f"{each.section} was taken out: {each.referrers} ended" for each in in_use)


def _stored(reads: Reads) -> dict[str, StoredSection]:
    return {each.name: each for each in reads.config_sections()}


def _changes(
    reads: Reads, stored: dict[str, StoredSection], settings: Settings, now: int
) -> tuple[Change, ...]:
    in_use = {
        each.name: referrers
        for each in _gone(stored, settings)
        if (referrers := _referrers(reads, each, now)).grants
    }
    return tuple(
        Change(section, what, in_use.get(section))
        for section, what in _differences(stored, settings.sections)
    )


def _differences(
    stored: dict[str, StoredSection], sections: tuple[Section, ...]
) -> Iterator[tuple[str, What]]:
    for section in sections:
        before = stored.get(section.name)
        what = "added" if before is None else _compare(before, section)
        if what is not None:
            yield section.name, what
    for name in sorted(stored.keys() - {each.name for each in sections}):
        yield name, "removed"


def _compare(before: StoredSection, section: Section) -> What | None:
    now = section.digests.get(before.kid)
    if now is None:  # it was taken with a sealing key that is configured no more
        return "unknown"
    if now.whole == before.whole:
        return None
    return "secret changed" if now.shape == before.shape else "changed"


def _gone(stored: dict[str, StoredSection], settings: Settings) -> Iterator[StoredSection]:
    """Return the sections whose resource or client is gone; under another name it is the same."""
    present = {(_kind(each.name), each.identifier) for each in settings.sections}
    for before in stored.values():
        kind = _kind(before.name)
        if kind in _KINDS and (kind, before.identifier) not in present:
            yield before


def _referrers(reads: Reads, section: StoredSection, now: int) -> Referrers:
    return reads.referrers(_kind(section.name), _spellings(reads, section, now), now)


def _kind(section: str) -> str:
    return section.partition(".")[0]


def _spellings(reads: Reads, section: StoredSection, now: int) -> list[str]:
    """Return how grants spell what a section is known by: a resource's URL as it was written."""
    known = section.identifier or ""
    if _kind(section.name) != "resources":
        return [known]
    return [url for url in reads.resource_urls(now) if resource.canonical(url) == known]


def _end(store: Store, section: StoredSection, now: int) -> None:
    with store.read() as reads:
        spellings = _spellings(reads, section, now)
    while True:
        with store.write() as tx:
            ids = tx.referring_grants(_kind(section.name), spellings, now, _BATCH)
            tx.revoke_grants(ids, now)
        if len(ids) < _BATCH:
            return


def _write_down(store: Store, settings: Settings, found: tuple[Change, ...], now: int) -> None:
    kid = settings.sealing_keys[0].kid
    named = {each.section for each in found}
    with store.write() as tx:
        for each in found:
            if each.what == "removed":
                tx.forget_section(each.section)
        for section in settings.sections:
            if section.name in named:
                digest = section.digests[kid]
                row = StoredSection(
                    section.name, section.identifier, kid, digest.whole, digest.shape, now
                )
                tx.take_section(row)

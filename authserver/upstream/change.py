"""A configuration by which users would be others, and what becomes of them: OIDC Core 1.0 §5.7, §8

See docs/decisions/0005-upstream-fingerprint.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from authserver.settings.fingerprint import UpstreamFingerprint
from authserver.settings.upstream import TENANT
from authserver.storage.store import Reads, Store, Transaction

Users = Literal["keep", "new"]

_WORDS = {
    "type": "upstream.type",
    "issuer": "upstream.issuer",
    "client_id": "upstream.client_id",
    "subject_source": "where the subject comes from",
}


class UpstreamChanged(Exception):
    """The configuration would make every user another one; the database says what they were."""

    def __init__(self, stored: UpstreamFingerprint, configured: UpstreamFingerprint) -> None:
        lines = "\n".join(describe(stored, configured))
        super().__init__(
            "The users of this database are known by another upstream than the configured one, so "
            f"that they would come back as new users:\n{lines}\n"
            "    -> put the configuration back; or, if the change is meant, run\n"
            "       authserver db rekey-upstream --users keep   if subjects mean the same people\n"
            "       authserver db rekey-upstream --users new    if they may mean others"
        )


class Doubles(Exception):
    """Users cannot be kept, because the new issuer has users with the same subjects."""

    def __init__(self, count: int) -> None:
        super().__init__(
            f"{count} users of the old issuer are there under the new one as well, and no two can "
            "become one: nothing was changed"
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of users: by the issuer they have, the one they will have, None if retired."""

    destinations: Mapping[str, str | None]
    counts: Mapping[str, int]

    @property
    def kept(self) -> int:
        """Return how many users stay who they are."""
        return sum(n for issuer, n in self.counts.items() if self.destinations[issuer] is not None)

    @property
    def retired(self) -> int:
        """Return how many users lose what they have."""
        return sum(self.counts.values()) - self.kept


def check(configured: UpstreamFingerprint, store: Store, now: int) -> None:
    """Write down by what users are known, or compare it; raises UpstreamChanged.

    While there are no users, the configuration is taken as it comes.
    """
    with store.read() as reads:
        stored = reads.upstream_identity()
    if stored is None:
        with store.write() as tx:
            tx.add_upstream_identity(configured, now)
            stored = tx.upstream_identity()  # another process may have been first
    if stored is None or stored == configured:
        return
    with store.write() as tx:
        if tx.count_users():
            raise UpstreamChanged(stored, configured)
        tx.replace_upstream_identity(configured, now)


def describe(stored: UpstreamFingerprint, configured: UpstreamFingerprint) -> tuple[str, ...]:
    """Return a line for each difference."""
    return tuple(
        f"  - {_WORDS[name]}: {old} -> {new}" for name, old, new in stored.differences(configured)
    )


def plan(
    reads: Reads, stored: UpstreamFingerprint, configured: UpstreamFingerprint, users: Users
) -> Plan:
    """Return what becomes of each user if the configuration is taken."""
    counts = reads.count_users()
    if users == "new":
        return Plan(dict.fromkeys(counts), counts)
    return Plan({issuer: _destination(issuer, stored, configured) for issuer in counts}, counts)


def carry_out(tx: Transaction, found: Plan, configured: UpstreamFingerprint, now: int) -> None:
    """Move and retire users as planned, and write down the configuration; raises Doubles."""
    moves = [
        (issuer, destination)
        for issuer, destination in found.destinations.items()
        if destination is not None and destination != issuer
    ]
    doubles = sum(tx.count_doubles(*move) for move in moves)
    if doubles:
        raise Doubles(doubles)
    for move in moves:
        tx.move_users(*move)
    for issuer, destination in found.destinations.items():
        if destination is None:
            tx.retire_users(issuer, now)
    tx.replace_upstream_identity(configured, now)


def _destination(
    issuer: str, stored: UpstreamFingerprint, configured: UpstreamFingerprint
) -> str | None:
    """Return the issuer of users who are kept, None for those that it can no longer sign in."""
    start, is_template, end = configured.issuer.partition(TENANT)
    if is_template:
        return issuer if issuer.startswith(start) and issuer.endswith(end) else None
    return configured.issuer if issuer in (stored.issuer, configured.issuer) else None

"""How much depends on each sealing key"""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from authserver.sealing import Sealer, sealed_by
from authserver.storage.signing_keys import StoredKey
from authserver.storage.store import Store

Role = Literal["seals", "opens", "missing"]
SEEN = 180  # seconds after which an instance that says nothing is taken for gone


@dataclass(frozen=True, slots=True)
class KeyUsage:
    """One sealing key: what it sealed, and the live grants whose refresh tokens it made.

    `instances` are the running ones that hold it. A key is missing where something depends on it
    and it is not configured.
    """

    kid: str
    role: Role
    signing_keys: int
    upstream_tokens: int
    refresh_tokens: int
    instances: int

    @property
    def total(self) -> int:
        """Return how many things depend on it."""
        return self.signing_keys + self.upstream_tokens + self.refresh_tokens

    def __str__(self) -> str:
        """Return for people what needs the key."""
        counted = (
            counted_as(self.signing_keys, "signing key"),
            counted_as(self.upstream_tokens, "upstream token"),
            counted_as(self.refresh_tokens, "refresh token"),
        )
        return ", ".join(each for each in counted if not each.startswith("0 ")) or "nothing"


def counted_as(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def count(store: Store, sealer: Sealer, now: int) -> tuple[KeyUsage, ...]:
    """Return the configured keys in their order, then those that are missing."""
    with store.read() as reads:
        keys = _signing_keys(reads.signing_keys(), now)
        values = reads.vault_values()
        families = reads.refresh_families(now)
        instances = reads.instances(now - SEEN)
    held = Counter(kid for each in instances for kid in each.kids)
    needed = {kid for kid in (*keys, *values, *families) if _is_kid(kid)}
    return tuple(
        KeyUsage(kid, _role(kid, sealer), keys[kid], values[kid], families[kid], held[kid])
        for kid in (*sealer.kids, *sorted(needed - set(sealer.kids)))
    )


def unattributed(store: Store, now: int) -> tuple[int, int]:
    """Return how many values of the vault are not sealed, and refresh tokens of unknown keys."""
    with store.read() as reads:
        values, families = reads.vault_values(), reads.refresh_families(now)
    return sum(n for kid, n in values.items() if not _is_kid(kid)), families[""]


def _signing_keys(rows: tuple[StoredKey, ...], now: int) -> Counter[str]:
    """Count the keys that are still opened: an expired one is only kept to be listed."""
    return Counter(
        sealed_by(row.sealed) or ""
        for row in rows
        if row.expires_at is None or now < row.expires_at
    )


def _role(kid: str, sealer: Sealer) -> Role:
    if kid == sealer.current:
        return "seals"
    return "opens" if kid in sealer.kids else "missing"


def _is_kid(kid: str) -> bool:
    return len(kid) == 8 and all(each in "0123456789abcdef" for each in kid)

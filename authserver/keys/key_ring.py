"""The order of the signing keys: which one signs, which are published, which is still to come."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

from authserver.keys.signing_key import SigningKey
from authserver.storage.signing_keys import StoredKey

State = Literal["next", "active", "retired", "expired", "damaged"]


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """What an operator sees of a key; the dates of its end are None while it has no successor."""

    kid: str
    alg: str
    state: State
    created_at: int
    active_at: int
    retired_at: int | None
    expires_at: int | None


@dataclass(frozen=True, slots=True)
class Term:
    """A key and its end: retired when its successor signs, expired when all that it signed is."""

    row: StoredKey
    retired_at: int | None
    expires_at: int | None

    def is_expired(self, now: int) -> bool:
        """Say whether the key has left the JWKS."""
        return self.expires_at is not None and now >= self.expires_at


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Every key in the order in which they sign, as read at one moment.

    `opened` holds those that are neither expired nor damaged. Which key signs follows from the
    dates alone, so that all workers agree without a word.
    """

    terms: tuple[Term, ...]
    opened: Mapping[str, SigningKey]
    read_at: int

    def active(self, now: int) -> SigningKey | None:
        """Return the key that signs, None where there is none or where it is damaged."""
        if not self.terms:
            return None
        return self.opened.get(self.terms[self._position(now)].row.kid)

    def published(self, now: int) -> tuple[SigningKey, ...]:
        """Return the keys of the JWKS: those to come, the active one, those not expired."""
        return tuple(
            self.opened[term.row.kid]
            for term in self.terms
            if term.row.kid in self.opened and not term.is_expired(now)
        )

    def find(self, kid: str, now: int) -> SigningKey | None:
        """Return the published key of an id."""
        return next((key for key in self.published(now) if key.kid == kid), None)

    def waiting(self, alg: str, now: int, horizon: int) -> StoredKey | None:
        """Return the last key of an algorithm that is to sign, but not yet, before the horizon."""
        coming = (term.row for term in self.terms[self._position(now) + 1 :])
        usable = [
            row
            for row in coming
            if row.alg == alg and row.kid in self.opened and row.active_at <= horizon
        ]
        return usable[-1] if usable else None

    def newest(self, horizon: int) -> StoredKey:
        """Return the last key that signs before the horizon, else the first of all."""
        rows = [term.row for term in self.terms]
        return max(
            (row for row in rows if row.active_at <= horizon),
            key=lambda row: (row.active_at, row.sequence),
            default=rows[0],
        )

    def gap(self, now: int) -> int | None:
        """Return the first moment from now on at which no key could sign, None without one."""
        if not self.terms:
            return now
        for term in self.terms[self._position(now) :]:
            signs_at_all = term.retired_at is None or term.retired_at > term.row.active_at
            if signs_at_all and term.row.kid not in self.opened:
                return max(term.row.active_at, now)
        return None

    def statuses(self, now: int) -> Iterator[KeyStatus]:
        """List every key with its state, in the order in which they sign."""
        for position, term in enumerate(self.terms):
            row = term.row
            yield KeyStatus(
                kid=row.kid,
                alg=row.alg,
                state=self._state(position, now),
                created_at=row.created_at,
                active_at=row.active_at,
                retired_at=term.retired_at,
                expires_at=term.expires_at,
            )

    def retired(self, now: int) -> Iterator[Term]:
        """List the keys that no longer sign."""
        return iter(self.terms[: self._position(now)])

    def _position(self, now: int) -> int:
        """Return which key is in line: the last whose time has come, else the first of all.

        The first, because a worker whose clock is behind must not take a new key for no key.
        """
        begun = [i for i, term in enumerate(self.terms) if term.row.active_at <= now]
        return begun[-1] if begun else 0

    def _state(self, position: int, now: int) -> State:
        term, in_line = self.terms[position], self._position(now)
        if position < in_line and term.is_expired(now):
            return "expired"
        if term.row.kid not in self.opened:
            return "damaged"
        if position == in_line:
            return "active"
        return "next" if position > in_line else "retired"


def terms(rows: tuple[StoredKey, ...], retention: int) -> tuple[Term, ...]:
    """Return the keys in the order in which they sign, each with its end.

    `retention`: seconds for which a key stays published after its successor began to sign.
    """
    ordered = sorted(rows, key=lambda row: (row.active_at, row.sequence))
    return tuple(
        Term(row, *_end(row, successor, retention))
        for row, successor in zip_longest(ordered, ordered[1:])
    )


def _end(
    row: StoredKey, successor: StoredKey | None, retention: int
) -> tuple[int | None, int | None]:
    if successor is None:
        return None, None
    # The later one, where another worker was configured to keep keys longer.
    expires_at = max(successor.active_at + retention, row.expires_at or 0)
    return successor.active_at, expires_at

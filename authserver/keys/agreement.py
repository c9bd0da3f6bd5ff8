"""Whether this instance's sealing keys fit what is stored, and the keys of the others.

A key is rolled in steps: added everywhere, promoted, removed. Each step is safe only when every
instance has made the one before: so they publish the ids of their keys, and one that would seal
what another cannot open, or lacks a key that is in use, does not start.
"""

import os
import secrets
from contextlib import suppress

from authserver.keys.usage import SEEN, KeyUsage, count
from authserver.sealing import Sealer, UnknownKey
from authserver.storage.instances import Instance
from authserver.storage.store import Store

_FORGOTTEN = 86400


class KeyInUse(UnknownKey):
    """A key that is not configured any more sealed what is still needed."""

    def __init__(self, usage: KeyUsage) -> None:
        super().__init__(usage.kid)
        self.usage = usage

    def __str__(self) -> str:
        """Return how much depends on the key, and what to do."""
        return (
            f"the sealing key {self.kid} is not configured, but needed by {self.usage}.\n"
            "Name it again in [keys] seal, after the others. To remove it later: run "
            "authserver keys reseal, then authserver keys check, which says when nothing depends "
            f"on it.\nIf it is lost: authserver keys forget {self.kid} gives up what it sealed."
        )


class KeysDisagree(Exception):
    """Another instance runs that cannot open what this one would seal, or the other way round."""

    def __init__(self, kid: str, lacking: int, *, sealing: int) -> None:
        super().__init__(kid)
        self._kid, self._lacking, self._sealing = kid, lacking, sealing

    def __str__(self) -> str:
        """Return which key, how many instances, and what to do."""
        gone = f"One that has just ended counts for {SEEN} seconds."
        if self._sealing:
            return (
                f"{_instances(self._sealing)} with the sealing key {self._kid}, which is not "
                "configured here.\nName it in [keys] seal until no instance has it as its first. "
                + gone
            )
        return (
            f"the sealing key {self._kid} is the first here, but {_instances(self._lacking)} "
            "without it.\nName it second in [keys] seal on every instance and restart them; "
            "promote it after that. " + gone
        )


class Agreement:
    """What this process publishes about its keys, and how it compares them with the others'."""

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer
        self._name = secrets.token_hex(8)

    def check(self, now: int) -> None:
        """Raise KeyInUse or KeysDisagree where this instance must not run with its keys."""
        for usage in count(self._store, self._sealer, now):
            if usage.role == "missing":
                raise KeyInUse(usage)
        with self._store.read() as reads:
            others = [each for each in reads.instances(now - SEEN) if each.id != self._id]
        for kid in sorted({each.sealing_kid for each in others} - set(self._sealer.kids)):
            raise KeysDisagree(kid, 0, sealing=sum(each.sealing_kid == kid for each in others))
        lacking = sum(self._sealer.current not in each.kids for each in others)
        if lacking:
            raise KeysDisagree(self._sealer.current, lacking, sealing=0)

    def join(self, now: int) -> None:
        """Publish this instance's keys, then check: of two that disagree one sees the other."""
        self.announce(now)
        try:
            self.check(now)
        except (KeyInUse, KeysDisagree):
            self.leave()
            raise

    def announce(self, now: int) -> None:
        """Say that this instance runs, and forget those that ended long ago."""
        instance = Instance(self._id, self._sealer.current, self._sealer.kids, now)
        with self._store.write() as tx:
            tx.publish_instance(instance)
            tx.forget_instances(now - _FORGOTTEN)

    def leave(self) -> None:
        """Say that this instance ends; where the database is gone, it is forgotten in time."""
        with suppress(Exception), self._store.write() as tx:
            tx.withdraw_instance(self._id)

    @property
    def _id(self) -> str:
        # A worker that was forked is an instance of its own.
        return f"{self._name}-{os.getpid()}"


def _instances(number: int) -> str:
    return "one instance runs" if number == 1 else f"{number} instances run"

"""The counters by which everything is revoked: see `oauth.epoch`."""

from collections.abc import Sequence

from sqlalchemy import select

from authserver.storage import tables
from authserver.storage.connected import Connected, epoch_sum, on_both, subject_parameters

_SUM = select(epoch_sum())
_BUMP = on_both(
    lambda insert: (
        insert(tables.epochs)
        .values(epoch=1)
        .on_conflict_do_update(
            index_elements=[tables.epochs.c.subject], set_={"epoch": tables.epochs.c.epoch + 1}
        )
    )
)


class EpochReads(Connected):
    """Reading the counters."""

    def epoch_sum(self, subjects: Sequence[str]) -> int:
        """Return the sum of the epochs of one to four subjects; none that was never revoked."""
        return int(self._scalar(_SUM, subject_parameters(subjects)))


class EpochWrites(Connected):
    """Counting up."""

    def bump_epoch(self, subject: str) -> None:
        """End everything that depends on the subject, issued or still on its way."""
        self._changed(_BUMP, {"subject": subject})

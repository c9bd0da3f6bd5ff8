"""Whether a clock may be believed so far that what it calls ended is deleted"""

import logging
from dataclasses import dataclass

logger = logging.getLogger("authserver")

LEAP = 86400  # seconds that the clock gains at once
SUSPENSE = 86400  # seconds for which it is not believed after that, time to put it right


@dataclass(slots=True)
class LeapWatch:
    """Compares the clock with a steady one: whoever leaps ahead is not believed for a day.

    `last` is what the clock said when it was known to be right, and `steady` is monotonic seconds
    at that moment. A machine that was off leaps too: then things are deleted a day later.
    """

    last: int
    steady: float
    _suspended_until: float | None = None

    def trusts(self, now: int, steady: float) -> bool:
        """Note what both clocks say, and whether the one that tells the time may be believed."""
        if (now - self.last) - (steady - self.steady) > LEAP:
            self._suspended_until = steady + SUSPENSE
            logger.warning(
                "the clock leapt from %d to %d: nothing is deleted by it for a day", self.last, now
            )
        self.last, self.steady = now, steady
        return self._suspended_until is None or steady >= self._suspended_until

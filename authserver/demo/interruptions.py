"""SIGINT, SIGTERM and SIGHUP as one exception, when nothing is half done. POSIX signals"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption(KeyboardInterrupt):
    """Somebody wants this process to end."""


class Interruptions:
    """Raises Interruption in the main thread, once, and never while it is held back.

    A process that was started, but not yet noted as something to end, would stay; so starting and
    noting happen together in `held()`, and ending begins with `hold()`.
    """

    def __init__(self) -> None:
        self._holding = 0
        self._raised = False
        self._pending = False
        self._before: dict[signal.Signals, signal.Handlers | object] = {}

    def __enter__(self) -> Self:
        """Take over the signals; does nothing in a thread that gets none."""
        if threading.current_thread() is threading.main_thread():
            for each in _SIGNALS:
                self._before[each] = signal.signal(each, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals back."""
        for each, handler in self._before.items():
            signal.signal(each, handler)  # type: ignore[arg-type]  # what signal() returned

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold interruptions back until the block is through; raises Interruption after it."""
        self._holding += 1
        try:
            yield
        finally:
            self._holding -= 1
        if self._pending and not self._holding:
            self._raise()

    def hold(self) -> None:
        """Hold interruptions back from here on."""
        self._holding += 1

    @property
    def was_raised(self) -> bool:
        """Say whether there was one, also where something under way took it for its own failure."""
        return self._raised

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._holding:
            self._pending = True
        elif not self._raised:
            self._raise()

    def _raise(self) -> None:
        self._raised, self._pending = True, False
        raise Interruption

"""Tells the walk-through as numbered steps: what was sent, what was seen, and where it failed."""

import sys
from dataclasses import dataclass, field
from typing import TextIO

_BOLD, _DIM, _GREEN, _RED, _PLAIN = "\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[0m"


class StepFailed(Exception):
    """What was seen is not what the step promises; the text says both."""


@dataclass
class Story:
    """The steps so far; colours only where a person looks at a terminal."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    colours: bool = False
    titles: list[str] = field(default_factory=list)
    failure: str | None = None

    def step(self, title: str) -> None:
        """Begin the next step."""
        self.titles.append(title)
        self._line(f"\n{len(self.titles):2}. {self._in(_BOLD, title)}")

    def sent(self, text: str) -> None:
        """Tell what the step sends."""
        self._line(f"      {self._in(_DIM, '->')} {text}")

    def seen(self, text: str) -> None:
        """Tell what came back."""
        self._line(f"      {self._in(_GREEN, '<-')} {text}")

    def note(self, text: str) -> None:
        """Tell a fact about what was seen."""
        self._line(f"         {self._in(_DIM, text)}")

    def fail(self, why: str) -> None:
        """Tell at which step and why the walk failed; only the first reason counts."""
        if self.failure is not None:
            return
        where = f"step {len(self.titles)} ({self.titles[-1]})" if self.titles else "the start"
        self.failure = f"FAILED at {where}: {why}"
        self._line(f"\n{self._in(_RED, self.failure)}")

    def say(self, text: str = "") -> None:
        """Print a line that belongs to no step."""
        self._line(text)

    def _in(self, style: str, text: str) -> str:
        return f"{style}{text}{_PLAIN}" if self.colours else text

    def _line(self, text: str) -> None:
        print(text, file=self.out, flush=True)


def for_terminal(out: TextIO, *, no_color: bool) -> Story:
    """Return a story in colours exactly where `out` is a terminal and NO_COLOR is not set."""
    return Story(out, colours=out.isatty() and not no_color)

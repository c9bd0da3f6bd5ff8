"""One structured event per decision, as JSON lines, with the private detail and no secret."""

import json
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass

logger = logging.getLogger("authserver.audit")

Fact = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Audit:
    """Writes events to a sink, one line each."""

    write: Callable[[str], None]

    def emit(self, event: str, *, now: int, request_id: str, **facts: Fact) -> None:
        """Record a decision: its name, when, in which request, and the facts that are known.

        Callers pass identifiers and reason codes only, never a token, code, secret or cookie.
        An event that cannot be written goes to the log.
        """
        known = {name: value for name, value in facts.items() if value not in (None, "")}
        entry = {"time": now, "event": event, "request_id": request_id, **known}
        line = json.dumps(entry, separators=(",", ":"), ensure_ascii=True)
        try:
            self.write(line)
        except (OSError, ValueError):
            # A full disk or a closed pipe: what was decided is committed, and its answer must go.
            logger.exception("the audit cannot be written: %s", line)


def to_stdout(line: str) -> None:
    """Write a line to standard output at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()

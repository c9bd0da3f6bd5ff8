"""Durations: seconds, or a number with a unit ("15m", "30d")"""

import re

from authserver.settings.origin import Origin, Read
from authserver.settings.problem import wrong

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_DURATION = re.compile(r"([0-9]{1,9})([smhd])\Z")


def text(seconds: int) -> str:
    """Return the shortest spelling in one unit, such as `15m`."""
    unit = next(name for name, size in _UNITS.items() if seconds % size == 0 and seconds >= size)
    return f"{seconds // _UNITS[unit]}{unit}"


def duration(shortest: int, longest: int) -> Read:
    """Return the annotation of a duration within bounds, both in seconds."""
    bounds = f"from {text(shortest)} to {text(longest)}"

    def check(value: object, _origin: Origin) -> int:
        seconds = _seconds(value)
        if seconds is None:
            raise wrong(
                "is not a duration",
                f'write seconds or a number with s, m, h or d, such as "{text(longest)}"',
            )
        if not shortest <= seconds <= longest:
            raise wrong("is out of bounds", f"write a duration {bounds}")
        return seconds

    return Read(f"duration {bounds}", check, lambda seconds: f'"{text(seconds)}"')


def _seconds(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    found = _DURATION.match(value) if isinstance(value, str) else None
    return int(found[1]) * _UNITS[found[2]] if found else None

"""For how long an answer is fresh, as its headers say: RFC 9111 §4.2.1, §4.2.3, §5.3"""

import datetime as dt
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

_UNKEPT = re.compile(r"no-(?:store|cache)", re.IGNORECASE)
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?([0-9]{1,9})", re.IGNORECASE)
_SECONDS = re.compile(r"[0-9]{1,9}\Z")


def remaining(headers: Mapping[str, str]) -> int | None:
    """Return for how many seconds more an answer is fresh, None where it does not say.

    What a cache on the way has held it for is over.
    """
    cache_control = headers.get("Cache-Control", "")
    if _UNKEPT.search(cache_control):
        return 0
    found = _MAX_AGE.search(cache_control)
    lifetime = int(found[1]) if found else _from_date_to_expiry(headers)
    return None if lifetime is None else max(lifetime - _age(headers), 0)


def _from_date_to_expiry(headers: Mapping[str, str]) -> int | None:
    """Return the seconds between the two; an `Expires` that is no date has passed (§5.3)."""
    if "Expires" not in headers:
        return None
    expires, date = _moment(headers["Expires"]), _moment(headers.get("Date", ""))
    if expires is None:
        return 0
    return None if date is None else int((expires - date).total_seconds())


def _age(headers: Mapping[str, str]) -> int:
    age = headers.get("Age", "")
    return int(age) if _SECONDS.match(age) else 0


def _moment(text: str) -> dt.datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)

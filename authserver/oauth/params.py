"""Request parameters: one value each, empty is absent: RFC 6749 §3.1, §3.2."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from authserver.oauth.errors import OAuthError

_REPEATABLE = frozenset({"resource", "audience"})  # RFC 8707 §2, RFC 8693 §2.1
MAX_FIELDS = 100
_NO_TEXT = re.compile("[\0\ud800-\udfff]")  # NUL and lone surrogates: no database takes them


@dataclass(frozen=True, slots=True)
class Params:
    """The parameters of one request; `repeated` names those that came twice against the rule."""

    _values: dict[str, tuple[str, ...]] = field(repr=False)
    repeated: frozenset[str] = frozenset()

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def get(self, name: str) -> str | None:
        """Return the value, or None where it is absent or empty."""
        values = self._values.get(name)
        return values[0] if values else None

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a parameter that may repeat."""
        return self._values.get(name, ())

    def require(self, name: str) -> str:
        """Return the value; raises `invalid_request` where it is absent."""
        value = self.get(name)
        if value is None:
            raise OAuthError("invalid_request", f"The parameter {name} is missing.")
        return value

    def check(self) -> None:
        """Raise `invalid_request` where a parameter came more than once."""
        if self.repeated:
            raise OAuthError("invalid_request", "A parameter is included more than once.")


def parse(encoded: bytes, max_fields: int = MAX_FIELDS) -> Params:
    """Parse a form body or query string (`application/x-www-form-urlencoded`, UTF-8).

    Raises `invalid_request` for bytes that are no text: databases and logs must never meet
    NUL, lone surrogates or broken UTF-8.
    """
    try:
        pairs = parse_qsl(
            encoded.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=max_fields,
        )
    except (UnicodeDecodeError, ValueError) as error:
        detail = type(error).__name__
        raise OAuthError(
            "invalid_request", "The parameters cannot be decoded.", detail=detail
        ) from None
    return from_pairs(pairs)


def from_pairs(pairs: Iterable[tuple[str, str]]) -> Params:
    """Build `Params` from decoded pairs; raises `invalid_request` for what is no text."""
    values: dict[str, tuple[str, ...]] = {}
    repeated: set[str] = set()
    for name, value in pairs:
        if not (_is_text(name) and _is_text(value)):
            raise OAuthError("invalid_request", "The parameters contain what is no text.")
        if not value:
            continue
        if name in values and name not in _REPEATABLE:
            repeated.add(name)
            continue
        values[name] = (*values.get(name, ()), value)
    return Params(values, frozenset(repeated))


def _is_text(value: str) -> bool:
    return _NO_TEXT.search(value) is None


def check_no_details(params: Params) -> None:
    """Refuse what RFC 9396 would limit a token to: ignored, it would grant too much."""
    if "authorization_details" in params:
        raise OAuthError("invalid_request", "The parameter authorization_details is not supported.")

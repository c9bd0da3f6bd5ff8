"""The code that a user types, and the digest that is stored of it: RFC 8628 §5.1, §6.1."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"  # no vowel, so no word; no digit that looks like a letter
LENGTH = 8  # 34 bits: enough for ten minutes, where guesses are counted
_HALF = LENGTH // 2
_LONGEST = 64  # characters of what somebody typed that are looked at


@dataclass(frozen=True, slots=True)
class UserCodes:
    """Digests of user codes: the first key makes them, what any of them made is found.

    A code is short: whoever has only the database could try all against a digest without a key.
    """

    keys: tuple[bytes, ...] = field(repr=False)

    def digest(self, user_code: str) -> str:
        """Return the digest under which a code is stored."""
        return _digest(self.keys[0], user_code)

    def digests(self, typed: str | None) -> tuple[str, ...]:
        """Return the digests that a typed code may be stored under; none where it is no code."""
        user_code = normalize(typed or "")
        return tuple(_digest(key, user_code) for key in self.keys) if user_code else ()


def new_user_code() -> str:
    """Return a new code, as its user is shown it."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return f"{letters[:_HALF]}-{letters[_HALF:]}"


def normalize(typed: str) -> str | None:
    """Return what somebody typed as the code is written, None where that can be none.

    Case, hyphens, spaces and whatever else is no letter of the alphabet do not matter (§6.1).
    """
    letters = "".join(each for each in typed[:_LONGEST].upper() if each in ALPHABET)
    return f"{letters[:_HALF]}-{letters[_HALF:]}" if len(letters) == LENGTH else None


def _digest(key: bytes, user_code: str) -> str:
    return hmac.new(key, user_code.encode(), hashlib.sha256).hexdigest()

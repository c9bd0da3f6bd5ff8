"""A client's name as people may see it: nothing in it acts, hides or covers: RFC 7591 §5."""

import unicodedata

# Letters, marks and symbols that show nothing; what is in the categories C and Z is seen to below.
_INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)
_MAX_MARKS = 3  # no script stacks more on one letter; hundreds of them cover what stands around


def clean(text: str) -> str | None:
    """Return the name in NFC, with single spaces; None where nothing visible is left."""
    visible = "".join(" " if _is_unseen(each) else each for each in text)
    kept: list[str] = []
    marks = 0
    for each in unicodedata.normalize("NFC", visible):
        marks = marks + 1 if unicodedata.category(each) in ("Mn", "Me") else 0
        if marks <= _MAX_MARKS:
            kept.append(each)
    return " ".join("".join(kept).split()) or None


def _is_unseen(character: str) -> bool:
    # Categories C*: controls, bidi overrides, zero-width characters. Z*: every kind of space.
    return unicodedata.category(character)[0] in "CZ" or character in _INVISIBLE

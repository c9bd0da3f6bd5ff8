import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.oauth.client_name import clean


@given(st.text(max_size=256))
def test_a_clean_name_shows_all_that_is_in_it(text):
    name = clean(text)
    if name is None:
        return
    assert name == name.strip()
    assert "  " not in name
    assert unicodedata.is_normalized("NFC", name)
    assert all(unicodedata.category(each)[0] not in "CZ" or each == " " for each in name)
    assert clean(name) == name


@pytest.mark.spec("RFC 7591", "5")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Cursor", "Cursor"),
        ("  Claude   Code (my-server) ", "Claude Code (my-server)"),
        ("Bücher & Söhne", "Bücher & Söhne"),
        ("Bu\u0308cher", "Bücher"),
        ("日本語クライアント", "日本語クライアント"),
        ("Trình đọc", "Trình đọc"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),  # escaped where it is shown
        ("a\r\nLocation: x", "a Location: x"),
        ("a\tb\x00c\x7f", "a b c"),
        ("safe\u202egnp.exe", "safe gnp.exe"),
        ("\u2066Cursor\u2069", "Cursor"),
        ("Cur\u200bsor\ufeff", "Cur sor"),
        ("a\u00a0b\u3000c\u2028d", "a b c d"),
        ("\U000e0041\U000e0042", None),
        ("\u3164\uffa0\u115f\u1160\u2800\u034f", None),
        ("\u180b\ufe0f\U000e0100", None),
        ("", None),
        (" \u200b ", None),
    ],
)
def test_nothing_in_a_name_acts_or_hides(text, expected):
    assert clean(text) == expected


def test_marks_that_would_cover_the_page_are_cut():
    assert clean("a" + "\u0335" * 200 + "b") == "a" + "\u0335" * 3 + "b"
    assert clean("a" + "\u20dd" * 200) == "a" + "\u20dd" * 3

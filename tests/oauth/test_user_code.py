"""The code that a user types: RFC 8628 §5.1, §6.1"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.oauth import user_code
from authserver.oauth.user_code import UserCodes

CODES = UserCodes((b"one" * 11, b"two" * 11))
letters = st.text(user_code.ALPHABET, min_size=8, max_size=8)


@pytest.mark.spec("RFC 8628", "6.1")
def test_a_code_is_two_groups_of_four_consonants_that_nobody_guesses():
    codes = {user_code.new_user_code() for _ in range(1000)}
    assert len(codes) == 1000
    assert all(user_code.normalize(code) == code for code in codes)
    assert len(user_code.ALPHABET) ** user_code.LENGTH > 2**34


@pytest.mark.spec("RFC 8628", "6.1")
@given(letters, st.text(" -_.\u2013aeiou019ÄÉ", max_size=3))
def test_case_and_what_is_no_letter_of_the_alphabet_do_not_matter(code, between):
    expected = f"{code[:4]}-{code[4:]}"
    assert user_code.normalize(between.join(code.lower()) + between) == expected


@given(st.text())
def test_any_text_is_a_code_or_none(typed):
    found = user_code.normalize(typed)
    assert found is None or user_code.normalize(found) == found
    assert len(CODES.digests(typed)) == (0 if found is None else 2)


@pytest.mark.parametrize("typed", ["", "BCDF-GHJ", "BCDF-GHJK-L", "B" * 9, " " * 64 + "BCDFGHJK"])
def test_a_code_has_eight_letters(typed):
    assert user_code.normalize(typed) is None
    assert CODES.digests(typed) == CODES.digests(None) == ()


def test_a_digest_needs_its_key_and_is_found_with_those_that_came_before():
    digest = CODES.digest("BCDF-GHJK")
    assert CODES.digests("bcdfghjk")[0] == digest
    rolled = UserCodes((b"new" * 11, *CODES.keys))
    assert rolled.digest("BCDF-GHJK") != digest
    assert digest in rolled.digests("BCDF GHJK")
    assert digest not in UserCodes((b"new" * 11,)).digests("BCDF-GHJK")
    assert "one" not in repr(CODES)

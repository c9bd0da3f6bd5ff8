import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.oauth.dpop_nonce import STEP, Nonces

NOW = 1_800_000_000 // STEP * STEP
OURS = Nonces((b"k" * 32, b"o" * 32))


@pytest.mark.spec("RFC 9449", "8")
@pytest.mark.parametrize(
    ("later", "known"),
    [(0, True), (STEP - 1, True), (2 * STEP - 1, True), (2 * STEP, False), (-1, True),
     (-STEP - 1, False)],
)  # fmt: skip
def test_a_nonce_is_good_for_its_time_and_the_next(later, known):
    assert OURS.knows(OURS.current(NOW), NOW + later) is known


def test_every_instance_knows_the_nonces_of_all_also_of_an_older_key():
    assert Nonces((b"o" * 32,)).current(NOW) != OURS.current(NOW)
    assert OURS.knows(Nonces((b"o" * 32,)).current(NOW), NOW)
    assert not OURS.knows(Nonces((b"x" * 32,)).current(NOW), NOW)


def test_its_keys_stay_out_of_sight():
    assert "kkkk" not in repr(OURS)


@given(st.text(max_size=50))
def test_nobody_guesses_one(text):
    assert not OURS.knows(text, NOW)


@given(st.integers(0, 31), st.characters(codec="ascii"))
def test_one_with_another_character_is_none(place, character):
    nonce = OURS.current(NOW)
    changed = nonce[:place] + character + nonce[place + 1 :]
    assert OURS.knows(changed, NOW) is (changed == nonce)

"""What is sealed opens with its key at its place, and nowhere else"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.sealing import Damaged, Sealer, SealingKey, UnknownKey, derive, refresh_keys

OLD = SealingKey.from_secret(b"an old secret of thirty-two bytes")
NEW = SealingKey.from_secret(b"a new secret of thirty-two bytes.")
PLACE = ("signing_keys", "sealed", "row-1")


@given(st.binary(max_size=300), st.lists(st.text(max_size=20)).map(tuple))
def test_every_value_comes_back_as_it_was(plaintext, place):
    sealer = Sealer((NEW,))

    assert sealer.open(sealer.seal(plaintext, aad=place), aad=place) == plaintext


@given(st.text(max_size=50).map(lambda text: f"v1:{NEW.kid}:{text}"))
def test_a_value_that_looks_sealed_is_sealed_again(text):
    sealer = Sealer((NEW,))

    assert sealer.open(sealer.seal(text.encode(), aad=PLACE), aad=PLACE) == text.encode()


@pytest.mark.spec("RFC 5116", "3.1")
def test_the_same_value_is_never_sealed_the_same_way_twice():
    sealer = Sealer((NEW,))

    assert len({sealer.seal(b"secret", aad=PLACE) for _ in range(50)}) == 50


@given(st.data())
def test_a_flipped_bit_is_damage_and_in_the_key_id_an_unknown_key(data):
    sealer = Sealer((NEW,))
    sealed = sealer.seal(b"secret", aad=PLACE)
    position = data.draw(st.integers(0, len(sealed) - 1))
    flipped = chr(ord(sealed[position]) ^ 1 << data.draw(st.integers(0, 6)))
    altered = sealed[:position] + flipped + sealed[position + 1 :]

    with pytest.raises((Damaged, UnknownKey)) as raised:
        sealer.open(altered, aad=PLACE)

    in_kid = 3 <= position < 11 and flipped in "0123456789abcdef"
    assert raised.type is (UnknownKey if in_kid else Damaged)


@pytest.mark.parametrize("length", range(80))
def test_a_value_that_was_cut_short_is_damage(length):
    sealer = Sealer((NEW,))
    sealed = sealer.seal(b"a secret of some length, long enough to cut", aad=PLACE)

    with pytest.raises(Damaged):
        sealer.open(sealed[:length], aad=PLACE)


@pytest.mark.parametrize(
    "sealed",
    ["", "plaintext", "v1:", f"v1:{NEW.kid}:", f"v1:{NEW.kid}:A", f"v2:{NEW.kid}:AAAA", "v1::AAAA"],
)
def test_what_was_never_sealed_is_damage(sealed):
    with pytest.raises(Damaged):
        Sealer((NEW,)).open(sealed, aad=PLACE)


def test_two_rows_whose_values_were_swapped_are_both_unreadable():
    sealer = Sealer((NEW,))
    here, there = ("t", "c", "1"), ("t", "c", "2")
    first, second = sealer.seal(b"first", aad=here), sealer.seal(b"second", aad=there)

    for sealed, place in ((first, there), (second, here)):
        with pytest.raises(Damaged):
            sealer.open(sealed, aad=place)


@pytest.mark.parametrize(
    "elsewhere",
    [("signing_keys", "sealedrow-1"), (*PLACE, ""), ("signing_keyss", "ealed", "row-1")],
)
def test_places_that_only_spell_the_same_are_different(elsewhere):
    sealer = Sealer((NEW,))

    with pytest.raises(Damaged):
        sealer.open(sealer.seal(b"secret", aad=PLACE), aad=elsewhere)


def test_the_first_key_seals_and_every_key_opens():
    sealed_before = Sealer((OLD,)).seal(b"secret", aad=PLACE)
    rolled = Sealer((NEW, OLD))

    assert rolled.open(sealed_before, aad=PLACE) == b"secret"
    assert not rolled.is_current(sealed_before)
    assert rolled.is_current(rolled.seal(b"secret", aad=PLACE))
    assert Sealer((OLD, NEW)).open(rolled.seal(b"secret", aad=PLACE), aad=PLACE) == b"secret"


def test_a_value_under_a_key_that_is_gone_names_that_key_and_is_not_damage():
    sealed = Sealer((OLD,)).seal(b"secret", aad=PLACE)

    with pytest.raises(UnknownKey, match=OLD.kid) as raised:
        Sealer((NEW,)).open(sealed, aad=PLACE)

    assert raised.value.kid == OLD.kid


def test_a_value_that_says_another_key_id_does_not_open():
    sealed = Sealer((OLD,)).seal(b"secret", aad=PLACE)

    with pytest.raises(Damaged):
        Sealer((NEW, OLD)).open(sealed.replace(OLD.kid, NEW.kid), aad=PLACE)


@pytest.mark.parametrize("length", [0, 16, 31])
def test_a_short_secret_is_refused(length):
    with pytest.raises(ValueError, match="at least 32 bytes"):
        SealingKey.from_secret(b"x" * length)


def test_a_secret_has_the_same_id_everywhere_and_the_id_is_part_of_no_key():
    key = SealingKey.from_secret(bytes(range(32)))

    assert key == SealingKey.from_secret(bytes(range(32)))
    # Pinned: a change of the derivation would orphan every value that was ever sealed.
    assert key.kid == "4d9c0638"
    assert (
        derive(key.secret, "sealing").hex()
        == "51bc810b0776c3ce16be1998f776da6b152e3ff9d68e071ba232455eeaecaf7f"
    )
    assert (
        derive(key.secret, "refresh-token mac").hex()
        == "318f085d59fae9766487c3c787b6b3471ca3186bda1b1b51a642f95c2440e7df"
    )


def test_no_keys_and_the_same_key_twice_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        Sealer(())
    with pytest.raises(ValueError, match="twice"):
        Sealer((NEW, NEW))


def test_a_sealer_names_its_keys_with_the_sealing_one_first():
    assert Sealer((NEW, OLD)).kids == (NEW.kid, OLD.kid)


def test_refresh_keys_keep_the_order_and_the_ids_and_are_keys_of_their_own():
    keys = refresh_keys((NEW, OLD))

    assert [kid for kid, _ in keys.keys] == [NEW.kid, OLD.kid]
    assert all(len(bytes.fromhex(kid)) == 4 and len(key) == 32 for kid, key in keys.keys)
    assert keys.find(OLD.kid) == derive(OLD.secret, "refresh-token mac")
    assert keys.find(OLD.kid) not in {OLD.secret, derive(OLD.secret, "sealing")}


def test_no_secret_shows_in_a_repr_or_an_error():
    sealer = Sealer((NEW,))
    with pytest.raises(Damaged) as damaged:
        sealer.open(sealer.seal(b"canary", aad=PLACE), aad=("elsewhere",))
    shown = f"{NEW!r} {sealer!r} {refresh_keys((NEW,))!r} {damaged.value!r} {damaged.value}"

    assert "canary" not in shown
    assert "thirty-two" not in shown
    assert derive(NEW.secret, "refresh-token mac").hex()[:8] not in shown

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.oauth import scope
from authserver.oauth.errors import OAuthError
from tests.oauth.samples import attempt, refused

NAMES = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"\\'),
    min_size=1,
    max_size=10,
)


@given(st.lists(NAMES, unique=True, max_size=6))
def test_a_scope_is_read_back(names):
    assert scope.parse(scope.join(names)) == tuple(names)
    assert all(map(scope.is_scope_token, names))


@given(st.text(max_size=60), st.lists(NAMES, unique=True, max_size=6).map(tuple))
def test_narrowing_never_widens(requested, granted):
    narrowed = attempt(scope.narrow, requested, granted)
    if isinstance(narrowed, OAuthError):
        assert narrowed.code == "invalid_scope"
    else:
        assert set(narrowed) <= set(granted)


@given(st.lists(NAMES, unique=True, max_size=6), st.data())
def test_every_part_of_a_grant_can_be_asked_for(granted, data):
    part = data.draw(st.lists(st.sampled_from(granted), unique=True)) if granted else []
    assert scope.narrow(" ".join(part), tuple(granted)) == tuple(part or granted)


@pytest.mark.spec("RFC 6749", "6")
def test_no_scope_means_all_that_was_granted():
    assert scope.narrow(None, ("a", "b")) == ("a", "b")
    assert scope.narrow("", ("a", "b")) == ("a", "b")
    assert scope.narrow("b", ("a", "b")) == ("b",)


@pytest.mark.spec("OAuth 2.1", "4.3.1")
@pytest.mark.parametrize("requested", ["c", "a c", "A", "a,b", "ab"])
def test_a_wider_scope_is_refused(requested):
    with refused("invalid_scope"):
        scope.narrow(requested, ("a", "b"))


@pytest.mark.parametrize("text", [None, "", " ", "   "])
def test_nothing_is_no_scope(text):
    assert scope.parse(text) == ()


def test_repeats_and_spaces_do_not_count():
    assert scope.parse("b  a b ") == ("b", "a")


@pytest.mark.spec("RFC 6749", "3.3")
@pytest.mark.parametrize(
    "text", ['a"b', "a\\b", "a\tb", "a\nb", "a\r\nb", "é", "a\u00a0b", "a\u2003b", "\x7f", "a\x00"]
)
def test_a_character_outside_the_grammar_is_refused(text):
    with refused("invalid_scope"):
        scope.parse(text)
    assert not scope.is_scope_token(text)


def test_size_is_bounded():
    assert len(scope.parse("a" * 256)) == 1
    for text in ("a" * 257, "a " * 4097, " ".join(f"s{n}" for n in range(10_000))):
        with refused("invalid_scope"):
            scope.parse(text)


def test_keeping_preserves_the_order_of_the_request():
    assert scope.keep(("c", "x", "a"), {"a", "b", "c"}) == ("c", "a")

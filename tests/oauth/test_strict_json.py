import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.oauth.strict_json import parse_object

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda each: st.lists(each, max_size=3) | st.dictionaries(TEXT, each, max_size=3),
    max_leaves=10,
)  # fmt: skip


@given(st.binary(max_size=100) | st.text(max_size=100))
def test_anything_is_an_object_or_a_value_error(text):
    try:
        assert isinstance(parse_object(text), dict)
    except ValueError as error:
        assert type(error) is ValueError  # noqa: PT017 - either outcome is right


@given(st.dictionaries(TEXT, VALUES, max_size=5))
def test_an_object_is_read_back(document):
    assert parse_object(json.dumps(document)) == document
    assert parse_object(json.dumps(document, ensure_ascii=False).encode()) == document


@pytest.mark.spec("RFC 8259", "4")
@pytest.mark.parametrize(
    "text",
    ['{"a":1,"a":1}', '{"b":{"a":1,"a":2}}', '{"b":[{"a":1,"\\u0061":2}]}'],
)
def test_a_duplicate_name_is_refused_at_any_depth(text):
    with pytest.raises(ValueError, match="duplicate"):
        parse_object(text)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "[1]", '"x"', "null", "1", "true", "{", "{}{}", "{'a':1}", '{"a":1,}',
        '{"a":NaN}', '{"a":Infinity}', '{"a":-Infinity}', '{"a":1e999}', '{"a":-1e999}',
        '{"a":"\\u0000"}', '{"a\\u0000":1}', '{"a":["\\ud800"]}', '{"\\udfff":1}',
        "[" * 100_000, '{"a":' * 100_000, '{"a":' * 20 + "1" + "}" * 20,
        '{"a":' + "[" * 17 + "]" * 17 + "}",
        '{"a":' + "9" * 5000 + "}",
        "\ufeff{}",
    ],
)  # fmt: skip
def test_what_is_not_one_plain_object_is_refused(text):
    with pytest.raises(ValueError, match=r".") as caught:
        parse_object(text)
    assert type(caught.value) is ValueError
    with pytest.raises(ValueError, match=r"."):
        parse_object(text.encode())


@pytest.mark.spec("RFC 8259", "8.1")
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "latin-1"])
def test_only_utf_8_is_json(encoding):
    with pytest.raises(ValueError, match=r"UTF-8|not JSON"):
        parse_object('{"name": "é"}'.encode(encoding))


def test_an_error_never_repeats_the_input():
    with pytest.raises(ValueError, match=r"^not JSON$") as caught:
        parse_object('{"canary')
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_depth_within_reason_is_read():
    assert parse_object('{"a":' * 15 + "{}" + "}" * 15)

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.oauth.params import MAX_FIELDS, Params, from_pairs, parse
from tests.oauth.samples import attempt, refused

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(st.binary(max_size=300))
def test_any_bytes_are_parameters_or_a_refusal(encoded):
    found = attempt(parse, encoded)
    assert isinstance(found, Params) or found.code == "invalid_request"


@given(st.dictionaries(TEXT, TEXT.filter(bool), max_size=20))
def test_what_was_encoded_is_read_back(values):
    found = parse(urlencode(values).encode())
    assert {name: found.get(name) for name in values} == values
    assert not found.repeated


@pytest.mark.spec("OAuth 2.1", "3.1")
def test_an_empty_parameter_is_absent():
    found = parse(b"state=&scope&client_id=a&client_id=")
    assert found.get("state") is None
    assert "state" not in found
    assert "scope" not in found
    assert found.get("client_id") == "a"
    assert not found.repeated
    found.check()


@pytest.mark.spec("OAuth 2.1", "3.1")
def test_a_parameter_comes_once():
    found = parse(b"code=1&code=2&state=x&state=x")
    assert found.repeated == {"code", "state"}
    assert found.get("code") == "1"
    with refused("invalid_request"):
        found.check()


@pytest.mark.spec("RFC 8707", "2")
@pytest.mark.spec("RFC 8693", "2.1")
def test_resource_and_audience_may_repeat():
    found = parse(b"resource=a&resource=b&resource=a&audience=c&audience=d")
    found.check()
    assert found.all("resource") == ("a", "b", "a")
    assert found.all("audience") == ("c", "d")
    assert found.all("state") == ()


def test_unknown_parameters_are_kept_out_of_the_way():
    found = parse(b"favourite_colour=green&client_id=a")
    found.check()
    assert found.get("client_id") == "a"


def test_a_missing_parameter_is_named():
    with refused("invalid_request") as caught:
        parse(b"").require("code_verifier")
    assert caught.value.description == "The parameter code_verifier is missing."
    assert parse(b"code_verifier=x").require("code_verifier") == "x"


@pytest.mark.parametrize(
    "encoded",
    [
        b"state=%00",
        b"%00=1",
        b"state=\x00",
        b"state=%ff",
        b"state=%C3%28",
        b"state=%ED%A0%80",  # an encoded lone surrogate
        "state=é".encode(),  # never raw: the form encoding is ASCII
        b"\xff\xfe",
        b"&".join(b"a%d=1" % n for n in range(MAX_FIELDS + 1)),
        b"&" * MAX_FIELDS,
    ],
)
def test_what_is_no_text_or_too_much_is_refused(encoded):
    with refused("invalid_request"):
        parse(encoded)


@pytest.mark.parametrize("broken", ["\0", "a\0b", "\ud800", "x\udfff"])
@pytest.mark.parametrize("place", [0, 1])
def test_decoded_pairs_meet_the_same_rule(broken, place):
    pair = ["a", "b"]
    pair[place] = broken
    with refused("invalid_request"):
        from_pairs([(pair[0], pair[1])])


def test_a_broken_escape_stays_as_it_is():
    assert parse(b"state=100%&nonce=%zz").get("state") == "100%"


def test_values_stay_out_of_the_representation():
    assert "secret" not in repr(parse(b"client_secret=secret"))

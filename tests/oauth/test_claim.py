import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.oauth import claim
from tests.oauth.people import a_user

NAMESPACED = "https://example.com/groups"


@pytest.mark.parametrize(
    ("claims", "path", "found"),
    [
        ({"groups": ["a"]}, "groups", ["a"]),
        ({"groups": ["a"]}, "roles", None),
        ({"realm_access": {"roles": ["a"]}}, "realm_access.roles", ["a"]),
        ({"realm_access": {"roles": ["a"]}}, "realm_access", {"roles": ["a"]}),
        ({"resource_access": {"my.app": {"roles": "a"}}}, "resource_access.my.app.roles", "a"),
        ({"a": {"b": {"c": 1}}}, "a.b.c", 1),
        ({"a": {"b": {"c": 1}}}, "a.b.d", None),
        ({"a": "text"}, "a.b", None),
        ({"a": ["list"]}, "a.0", None),
        ({NAMESPACED: ["a"]}, NAMESPACED, ["a"]),
        ({"a.b": "whole", "a": {"b": "nested"}}, "a.b", "whole"),
        ({"a.b": {"c": "longer"}, "a": {"b": {"c": "shorter"}}}, "a.b.c", "longer"),
        ({"": {"a": 1}}, ".a", 1),
        ({"a": {"": 1}}, "a.", 1),
        ({}, ".", None),
    ],
)
def test_a_claim_is_found_by_its_name_or_else_by_its_path(claims, path, found):
    assert claim.find(claims, path) == found


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("developers", ("developers",)),
        (["a", "b"], ("a", "b")),
        (["a", 7, True, False], ("a", "7", "true", "false")),
        (1234, ("1234",)),
        (True, ("true",)),
        ("a b,c", ("a b,c",)),  # one text is one value: no provider's list is guessed at
        ("", ()),
        (None, ()),
        (1.5, ()),
        ({"a": 1}, ()),
        ([["a"], {"a": 1}, None, ""], ()),
    ],
)
def test_the_texts_of_a_claim_are_itself_or_its_members(value, texts):
    assert claim.values(value) == texts


@pytest.mark.spec("RFC 9068", "2.2.2")
def test_a_token_carries_the_claims_that_are_asked_for_and_no_others():
    user = a_user(claims={"department": "R&D", "phone_number": "+1", "nested": {"a": {"b": 1}}})
    found, omitted = claim.for_token(user, ("name", "email", "department", "nested.a", "x"))
    assert found == {
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "department": "R&D",
        "nested.a": {"b": 1},
    }
    assert omitted == ()


def test_an_address_that_is_not_verified_never_travels_in_a_token():
    user = a_user(email_verified=False, claims={"email": "ada@example.com"})
    assert claim.for_token(user, ("email", "email_verified"))[0] == {"email_verified": False}


def test_nothing_is_said_about_an_address_that_is_not_known():
    user = a_user(email=None, email_verified=False, claims={"email_verified": True})
    assert claim.for_token(user, ("email", "email_verified", "name"))[0] == {"name": "Ada Lovelace"}


@pytest.mark.spec("RFC 9068", "2.2.3.1")
@pytest.mark.parametrize(
    ("held", "told"), [("a", ["a"]), (["a", 7], ["a", "7"]), ([], []), ({"a": 1}, [])]
)
def test_groups_are_a_list_of_texts(held, told):
    user = a_user(claims={"groups": held, "realm_access": {"roles": ["another"]}})
    assert claim.for_token(user, ["groups"])[0] == {"groups": told}


def test_what_a_user_has_not_is_left_out_and_never_null():
    user = a_user(name=None, claims={"department": None})
    assert claim.for_token(user, ("name", "department", "groups")) == ({}, ())


def test_claims_that_are_too_long_for_a_token_are_left_out_and_named():
    user = a_user(claims={"groups": ["g" * 36] * 200, "department": "R&D"})
    found, omitted = claim.for_token(user, ("groups", "department"))
    assert found == {"department": "R&D"}
    assert omitted == ("groups",)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=2000),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from("abcdef"), json_values))
def test_claims_in_a_token_are_bounded_and_each_is_told_or_named(claims):
    found, omitted = claim.for_token(a_user(claims=claims), claims)
    assert len(json.dumps(found)) <= claim.MAX_BYTES
    present = {name for name, value in claims.items() if value is not None}
    assert {*found, *omitted} == present
    assert not set(found) & set(omitted)


@given(json_values, st.text(max_size=20))
def test_no_claim_of_a_stranger_breaks_the_search(value, path):
    assert claim.values(claim.find({"a": value, "a.b": {"c": value}}, path)) is not None

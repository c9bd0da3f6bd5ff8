"""What an identity assertion must say, and what it is worth"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.oauth import identity_assertion, scope
from authserver.oauth.errors import OAuthError
from authserver.oauth.identity_assertion import IdentityAssertion
from authserver.oauth.params import from_pairs
from authserver.oauth.resource import Resource, Scope
from tests.examples import examples
from tests.upstream.jose import segment

NOW, US, CLIENT = 1_800_000_000, "https://auth.example", "agent"
READ, WRITE, ADMIN = "issues:read", "issues:write", "issues:admin"
ISSUES = Resource(
    url="https://issues.example/mcp",
    key="issues",
    name="Issues",
    scopes={READ: Scope("Read"), WRITE: Scope("Write"), ADMIN: Scope("All", sensitive=True)},
)  # fmt: skip
WIKI = Resource(url="https://wiki.example/mcp", key="wiki", name="Wiki", scopes={})
HONEST: dict[str, Any] = {
    "iss": "https://idp.example", "sub": "user-1", "aud": US, "client_id": CLIENT, "jti": "1",
    "iat": NOW - 5, "exp": NOW + 300, "resource": ISSUES.url, "scope": READ,
}  # fmt: skip


def check(**changes: Any) -> IdentityAssertion:
    claims = {name: value for name, value in {**HONEST, **changes}.items() if value is not ...}
    return identity_assertion.check(claims, issuer=US, client_id=CLIENT, now=NOW)


@pytest.mark.spec("RFC 7523", "3")
def test_an_honest_one_is_good_once_until_it_ends():
    found = check()
    assert (found.resources, found.scope, found.jkt) == ((ISSUES.url,), (READ,), None)
    assert found.expires_at == NOW + 300 + identity_assertion.LEEWAY
    assert check().digest == found.digest
    assert check(jti="2").digest != found.digest
    assert check(iss="https://other.example").digest != found.digest
    assert check(aud=[US]).digest == found.digest
    assert "user-1" not in repr(found)


@pytest.mark.spec("RFC 7523", "3")
@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ...}, {"aud": [US, US]}, {"aud": []}, {"aud": f"{US}/"}, {"aud": f"{US}/token"},
        {"aud": {US: 1}}, {"client_id": ...}, {"client_id": [CLIENT]}, {"client_id": "other"},
        {"sub": ...}, {"sub": 7}, {"exp": ...}, {"exp": NOW - 30}, {"exp": NOW + 3631},
        {"exp": True}, {"exp": "1"}, {"exp": float("inf")}, {"exp": float("nan")}, {"iat": ...},
        {"iat": NOW + 31}, {"nbf": NOW + 31}, {"nbf": None}, {"iat": -1}, {"jti": ...},
        {"jti": ""}, {"jti": 1}, {"jti": "x" * 513}, {"resource": []}, {"resource": 7},
        {"resource": [7]}, {"resource": [ISSUES.url] * 21}, {"scope": [READ]}, {"scope": 'a"b'},
    ],
    ids=str,
)  # fmt: skip
def test_what_it_lacks_or_says_wrong_is_refused(changes):
    with pytest.raises(OAuthError) as refused:
        check(**changes)
    assert refused.value.code == "invalid_grant"
    assert refused.value.description == "The assertion is not valid."


def test_small_differences_of_clocks_are_borne():
    assert check(iat=NOW - 300, exp=NOW - 29)
    assert check(iat=NOW + 30)


@pytest.mark.parametrize(
    ("head", "is_one"),
    [
        ('{"typ":"oauth-id-jag+jwt"}', True),
        ('{"typ":"application/OAuth-ID-JAG+JWT"}', True),
        ('{"typ":"JWT"}', False), ("{}", False), ('{"typ":null}', False), ("[]", False),
        ("", False), ('{"typ":"oauth-id-jag+jwt"', False),
    ],
)  # fmt: skip
def test_it_is_known_by_its_header(head, is_one):
    token = f"{segment(head.encode())}.e30.x"
    assert identity_assertion.is_identity_assertion(token) is is_one


def test_what_is_no_jwt_is_none():
    for text in (None, "", "x", "....", "é.é.é", "A" * 100_000):
        assert not identity_assertion.is_identity_assertion(text)


def bound(said: Any, *asked: str, unknown: Any = "invalid_grant") -> str:
    params = from_pairs(("resource", each) for each in asked)
    claimed = check(resource=said)
    return identity_assertion.bind(claimed, params, (ISSUES, WIKI), unknown).url


@pytest.mark.spec("RFC 8707", "2")
def test_the_audience_is_one_resource_that_assertion_and_request_agree_on():
    assert bound(ISSUES.url) == ISSUES.url
    assert bound(f"{ISSUES.url}/") == ISSUES.url
    assert bound([ISSUES.url, ISSUES.url]) == ISSUES.url
    assert bound([ISSUES.url, WIKI.url], WIKI.url) == WIKI.url
    assert bound(..., WIKI.url) == WIKI.url
    for said, asked in (
        (ISSUES.url, (WIKI.url,)), ([ISSUES.url, WIKI.url], ()), (..., ()), (..., ("https://x",)),
    ):  # fmt: skip
        with pytest.raises(OAuthError) as refused:
            bound(said, *asked)
        assert refused.value.code == "invalid_target"


@pytest.mark.parametrize("unknown", ["invalid_grant", "invalid_target"])
def test_one_that_is_not_here_is_refused_even_beside_one_that_is(unknown):
    for said in ("https://x.example", [ISSUES.url, "https://x.example"]):
        with pytest.raises(OAuthError) as refused:
            bound(said, ISSUES.url, unknown=unknown)
        assert (refused.value.code, refused.value.detail) == (unknown, "id_jag_resource_unknown")


NAMES = st.lists(st.sampled_from([READ, WRITE, ADMIN, "nobodys:scope"]), unique=True)


@examples(100)
@given(said=st.none() | NAMES, requested=NAMES, registered=st.none() | NAMES)
def test_the_scope_is_never_more_than_each_of_those_who_say_something(said, requested, registered):
    assertion = check(scope=... if said is None else scope.join(tuple(said)))
    limit = None if registered is None else tuple(registered)
    try:
        granted = identity_assertion.scope_of(assertion, tuple(requested), ISSUES, limit)
    except OAuthError:
        return
    for limits in (said, requested or None, registered, list(ISSUES.scopes)):
        assert limits is None or set(granted) <= set(limits)
    assert said is not None or requested or ADMIN not in granted


def test_what_it_tells_of_the_sign_in_is_passed_on_where_it_is_well_formed():
    assert identity_assertion.sign_in({"acr": "a", "amr": ["pwd"]}) == {"acr": "a", "amr": ["pwd"]}
    for odd in ({}, {"acr": 1, "amr": "pwd"}, {"acr": "", "amr": []}, {"acr": "x" * 201},
                {"amr": [1]}, {"amr": ["x"] * 21}):  # fmt: skip
        assert identity_assertion.sign_in(odd) == {}

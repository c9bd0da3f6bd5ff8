from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.oauth import policy
from authserver.oauth.allow import Allow
from authserver.oauth.errors import OAuthError
from authserver.oauth.resource import Resource, Scope
from tests.oauth.people import a_user
from tests.oauth.samples import GRANT, ISSUES, attempt, refused
from tests.oauth.test_allow import rules, users

STAFF = Allow(email_domains=frozenset({"example.com"}))
DEVS = Allow(claims={"groups": frozenset({"devs"})})
ALL = ("issues:read", "issues:write", "issues:purge", "openid", "offline_access")
READER, DEV = a_user(), a_user(claims={"groups": ["devs"]})
STRANGER = a_user(email="eve@elsewhere.example", claims={"groups": ["devs"]})


def resource(allow=None, **scopes):
    """The issue tracker with rules of its own and of some scopes."""
    changed = {
        name: replace(scope, allow=scopes.get(name.partition(":")[2]))
        for name, scope in ISSUES.scopes.items()
    }
    return replace(ISSUES, allow=allow, scopes=changed)


@pytest.mark.parametrize("user", [READER, STRANGER, None])
def test_without_rules_a_resource_is_for_every_user(user):
    assert policy.allowed(ISSUES, user, ALL) == ALL


@pytest.mark.parametrize(
    ("found", "user", "kept"),
    [
        (resource(STAFF), READER, ALL),
        (resource(STAFF), STRANGER, None),
        (resource(STAFF), None, None),
        (resource(STAFF, write=DEVS), READER, ALL[:1] + ALL[2:]),
        (resource(STAFF, write=DEVS), DEV, ALL),
        (resource(STAFF, write=DEVS), STRANGER, None),  # a scope's rule opens no resource
        (resource(write=DEVS, purge=DEVS), None, ("issues:read", *ALL[3:])),
        (resource(read=DEVS, write=DEVS, purge=DEVS), READER, None),
    ],
)
def test_a_user_keeps_the_scopes_that_the_rules_allow(found, user, kept):
    assert policy.allowed(found, user, ALL) == kept


@pytest.mark.spec("RFC 6749", "3.3")
def test_a_user_left_with_no_scope_of_the_resource_is_denied():
    found = resource(write=DEVS)
    assert policy.allowed(found, READER, ("issues:write", "openid", "profile")) is None
    assert policy.allowed(found, READER, ("issues:write", "issues:read")) == ("issues:read",)


def test_where_no_scope_of_the_resource_was_named_none_is_missed():
    assert policy.allowed(resource(write=DEVS), READER, ()) == ()
    assert policy.allowed(resource(write=DEVS), READER, ("openid",)) == ("openid",)
    assert policy.allowed(resource(STAFF), STRANGER, ()) is None


def test_a_scope_that_the_resource_has_no_more_is_gone():
    assert policy.allowed(ISSUES, READER, ("issues:read", "issues:old")) == ("issues:read",)
    assert policy.allowed(ISSUES, READER, ("issues:old", "openid")) is None


PROVEN = replace(GRANT.authorization(), scope=ALL)


def permit(found, user, wanted=ALL):
    return policy.permit(found, user, PROVEN, replace(PROVEN, scope=wanted))


@pytest.mark.spec("OAuth 2.1", "4.3.1")
def test_a_token_has_the_scopes_that_are_still_allowed():
    assert permit(resource(), READER) == PROVEN
    assert permit(resource(write=DEVS), READER) == replace(PROVEN, scope=ALL[:1] + ALL[2:])


def test_a_grant_of_which_nothing_is_allowed_any_more_is_not_valid():
    with refused("invalid_grant") as caught:
        permit(resource(STAFF), STRANGER)
    assert caught.value.detail == "policy_denied"
    with refused("invalid_grant"):
        permit(resource(read=DEVS, write=DEVS, purge=DEVS), READER, ("issues:write",))
    with refused("invalid_grant"):  # asking for less does not save what is denied as a whole
        permit(resource(read=DEVS, write=DEVS, purge=DEVS), READER, ("openid",))


def test_a_request_for_nothing_but_lost_scopes_may_be_made_again_for_the_others():
    with refused("invalid_scope"):
        permit(resource(write=DEVS), READER, ("issues:write", "openid"))
    assert permit(resource(write=DEVS), READER, ("issues:read",)).scope == ("issues:read",)


some_names = st.lists(st.sampled_from([*ALL, "issues:old"]), unique=True).map(tuple)
maybe = st.none() | rules
resources = st.builds(
    lambda allow, *each: Resource(
        "issues",
        ISSUES.url,
        "Issue tracker",
        {name: Scope("x", allow=rule) for name, rule in zip(ISSUES.scopes, each, strict=True)},
        allow=allow,
    ),
    maybe, maybe, maybe, maybe,
)  # fmt: skip


def kept(*found):
    return set(policy.allowed(*found) or ())


@given(resources, users, some_names, rules)
def test_adding_rules_to_a_scope_never_widens(found, user, names, rule):
    open_scopes = [name for name, scope in found.scopes.items() if scope.allow is None]
    for name in open_scopes:
        scopes = {**found.scopes, name: Scope("x", allow=rule)}
        assert kept(replace(found, scopes=scopes), user, names) <= kept(found, user, names)
    if found.allow is None:
        assert kept(replace(found, allow=rule), user, names) <= kept(found, user, names)


@given(resources, users, some_names, some_names)
def test_narrowing_keeps_order_and_is_monotone_and_done_once(found, user, names, more):
    result = policy.allowed(found, user, names)
    wider = (*names, *(name for name in more if name not in names))
    if policy.allowed(found, user, wider) is not None:
        assert kept(found, user, names) <= kept(found, user, wider)
    if result is not None:
        assert result == tuple(name for name in names if name in result)
        assert policy.allowed(found, user, result) == result


@given(resources, users, some_names, some_names)
def test_no_token_has_more_than_was_proven_and_wanted_and_is_allowed(found, user, proven, wanted):
    authorization = replace(PROVEN, scope=proven)
    narrowed = replace(PROVEN, scope=tuple(name for name in wanted if name in proven))
    permitted = attempt(policy.permit, found, user, authorization, narrowed)
    if isinstance(permitted, OAuthError):
        assert permitted.code in ("invalid_grant", "invalid_scope")
    else:
        assert set(permitted.scope) <= set(narrowed.scope) & kept(found, user, proven)
        assert replace(permitted, scope=proven) == authorization

"""Another claim than `sub` names the user: it is there, or nobody signs in."""

import pytest

from authserver.settings.upstream import ProfileFields
from authserver.upstream.errors import UpstreamError
from tests.upstream.hostile_idp import ABSENT


@pytest.mark.parametrize(
    ("path", "claims"),
    [
        ("oid", {"oid": "o-1"}),
        ("https://example.com/uid", {"https://example.com/uid": "o-1"}),
        ("ids.employee", {"ids": {"employee": "o-1"}}),
    ],
)
def test_the_claim_names_the_user_and_sub_does_not(make_login, idp, path, claims):
    idp.claims = claims
    assert make_login(subject_claim=path).sign_in().subject == "o-1"


@pytest.mark.parametrize(
    "value", [ABSENT, None, "", 7, True, ["o-1"], {"a": "o-1"}, "a\nb", "x" * 256]
)
def test_without_the_claim_nobody_signs_in_not_even_as_sub(make_login, idp, value):
    idp.claims = {"oid": value}
    with pytest.raises(UpstreamError) as refusal:
        make_login(subject_claim="oid").sign_in()
    assert refusal.value.reason == "id_token_subject"


def test_userinfo_cannot_supply_the_claim(make_login, idp):
    idp.claims = {"name": ABSENT}
    idp.userinfo = {"oid": "o-1"}
    with pytest.raises(UpstreamError):
        make_login(subject_claim="oid").sign_in()


def test_userinfo_must_still_be_about_the_same_sub(make_login, idp):
    idp.claims = {"oid": "o-1", "name": ABSENT}
    idp.userinfo = {"sub": "o-1"}
    with pytest.raises(UpstreamError) as refusal:
        make_login(subject_claim="oid").sign_in()
    assert refusal.value.reason == "userinfo_subject_mismatch"


def test_a_token_without_sub_signs_nobody_in_whatever_names_the_user(make_login, idp):
    idp.claims = {"oid": "o-1", "sub": ABSENT}
    with pytest.raises(UpstreamError):
        make_login(subject_claim="oid").sign_in()


# --- what else describes the user ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "claims", "name"),
    [
        (("name", "username"), {"name": ABSENT, "username": "ada"}, "ada"),
        (("name", "username"), {"username": "ada"}, "Ada Lovelace"),
        (("profile.display",), {"profile": {"display": "A. L."}}, "A. L."),
    ],
)
def test_the_first_field_that_is_not_empty_is_shown(make_login, idp, fields, claims, name):
    idp.claims = claims
    assert make_login(fields=ProfileFields(name=fields)).sign_in().name == name


@pytest.mark.parametrize(
    ("paths", "claims", "groups"),
    [
        (("groups",), {"groups": ["a", "b"]}, ["a", "b"]),
        (("groups",), {"groups": "a"}, ["a"]),
        (("groups",), {"groups": ["a", 7]}, ["a", "7"]),
        (("cognito:groups",), {"cognito:groups": ["a"], "groups": ["z"]}, ["a"]),
        (("groups", "realm_access.roles"), {"groups": [], "realm_access": {"roles": ["r"]}}, ["r"]),
        (("groups",), {"groups": []}, []),
        (("groups",), {}, None),
        (("roles",), {"groups": ["z"]}, None),
    ],
)
def test_groups_are_a_claim_of_one_name_wherever_they_stood(make_login, idp, paths, claims, groups):
    idp.claims = claims
    found = make_login(fields=ProfileFields(groups=paths)).sign_in().claims
    assert found.get("groups") == groups


@pytest.mark.parametrize(
    ("use", "thin", "asked"),
    [
        ("when-needed", False, False),
        ("when-needed", True, True),
        ("always", False, True),
        ("never", True, False),
    ],
)
def test_userinfo_is_asked_as_configured(make_login, idp, use, thin, asked):
    idp.claims = {"name": ABSENT} if thin else {}
    idp.userinfo = {"groups": ["staff"]}
    found = make_login(userinfo=use).sign_in()
    assert bool(idp.asked("/userinfo")) == asked
    assert found.claims.get("groups") == (["staff"] if asked else None)


# --- the provider's clock ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("skew", "off", "is_in"),
    [(60, 60, True), (60, 61, False), (0, 0, True), (0, 1, False), (300, 301, False)],
)
def test_the_providers_clock_may_be_ahead_by_as_much_as_is_configured(
    make_login, idp, skew, off, is_in
):
    idp.claims = {"iat": idp.now + off, "exp": idp.now + off + 300, "auth_time": idp.now + off}
    login = make_login(clock_skew=skew)
    if is_in:
        assert login.sign_in().auth_time == idp.now
    else:
        with pytest.raises(UpstreamError):
            login.sign_in()

"""Who may use a resource, as the file says it, becomes the rules that decide"""

import pytest

from authserver.oauth import access_token, claim
from authserver.oauth.allow import Allow
from authserver.settings.report.describe import describe
from tests.oauth.samples import GRANT, NOW

ALLOW = "resources/issues/allow"


def test_without_allow_and_claims_a_resource_is_for_everybody_and_its_tokens_say_nothing(settings):
    (found,) = settings().resources
    assert found.allow is None
    assert found.claims == ()
    assert [scope.allow for scope in found.scopes.values()] == [None, None]


def test_every_kind_of_rule_is_read(settings):
    rules = {
        "email_domains": ["Example.COM", "xn--bcher-kva.example"],
        "emails": ["Ada@Example.com"],
        "subjects": ["00u1", {"issuer": "https://login.example.com", "subject": "00u2"}],
        "groups": ["devs", 7],
        "claims": {"department": "sales", "realm_access.roles": ["a", "b"], "employee": True},
    }
    (found,) = settings({ALLOW: rules}).resources
    assert found.allow == Allow(
        email_domains=frozenset({"example.com", "xn--bcher-kva.example"}),
        emails=frozenset({"Ada@example.com"}),
        subjects=frozenset({(None, "00u1"), ("https://login.example.com", "00u2")}),
        claims={
            "department": frozenset({"sales"}),
            "realm_access.roles": frozenset({"a", "b"}),
            "employee": frozenset({"true"}),
            "groups": frozenset({"devs", "7"}),
        },
    )


def test_groups_are_a_claim_like_others(settings):
    (found,) = settings(
        {
            ALLOW: {"groups": ["devs"], "claims": {"groups": "admin"}},
            "resources/issues/claims": ["groups", "email", "groups"],
        }
    ).resources
    assert found.allow is not None
    assert found.allow.claims == {"groups": frozenset({"devs", "admin"})}
    assert found.claims == ("groups", "email")


def test_a_scope_has_rules_of_its_own(settings):
    admin = {"description": "Delete projects", "allow": {"groups": ["admins"]}}
    (found,) = settings({"resources/issues/scopes/issues:admin": admin}).resources
    assert found.allow is None
    assert found.scopes["issues:read"].allow is None
    assert found.scopes["issues:admin"].allow == Allow(claims={"groups": frozenset({"admins"})})


@pytest.mark.parametrize("name", sorted(claim.RESERVED))
def test_no_claim_of_a_user_takes_the_place_of_one_of_the_servers(problems, name):
    (problem,) = problems({"resources/issues/claims": [name]})
    assert problem.key == "resources.issues.claims[0]"


def test_the_claims_that_the_server_writes_are_all_reserved():
    proven = GRANT.authorization()
    written = access_token.access_token_claims(
        proven, {}, issuer="https://a", lifetime=1, jti="j", now=NOW
    )
    assert set(written) <= claim.RESERVED


def test_the_check_says_who_may_use_what(settings):
    found = dict(
        describe(
            settings(
                {
                    ALLOW: {
                        "email_domains": ["example.com"],
                        "emails": ["bob@other.example"],
                        "subjects": ["00u1", {"issuer": "https://i.example", "subject": "7"}],
                        "groups": ["ops", "devs"],
                    },
                    "resources/issues/scopes/issues:admin": {
                        "description": "Delete",
                        "allow": {"claims": {"department": ["it"]}},
                    },
                    "resources/issues/claims": ["email", "groups"],
                    "resources/wiki": {"url": "https://wiki.example.com/mcp"},
                }
            )
        ).in_effect
    )
    assert found["who may use issues"] == (
        "verified e-mail at example.com, or bob@other.example; "
        "subject 00u1, or 7 of https://i.example; groups has devs, or ops"
    )
    assert found["who may have issues:admin of issues"] == "of these: department has it"
    assert found["tokens for issues say"] == "email, groups"
    assert found["who may use wiki"] == "everybody who signs in"

"""What `[upstream]` means: an OpenID provider or a plain OAuth 2.0 server, and their keys"""

import dataclasses

import pytest

from authserver.settings import OAuth2Upstream, OidcUpstream, fingerprint
from authserver.settings.report.describe import describe
from authserver.settings.upstream import ProfileFields, TokenFields
from tests.settings.configuration import ABSENT, VARIABLE

PLAIN = {
    "type": "oauth2",
    "authorization_endpoint": "https://Login.example.com:8443/authorize?tenant=a",
    "token_endpoint": "https://login.example.com/token",
    "client_id": "mcp-auth",
    "client_secret": f"env:{VARIABLE}",
}


def _plain(**changes):
    found = {**PLAIN, **changes}
    return {"upstream": {key: value for key, value in found.items() if value is not ABSENT}}


def test_a_plain_server_is_two_endpoints_and_a_client(settings):
    found = settings(_plain()).upstream
    assert isinstance(found, OAuth2Upstream)
    assert found.issuer == "https://login.example.com:8443"
    assert found.derived_issuer
    assert found.name == "login.example.com"
    assert dataclasses.replace(found, client_secret=None) == OAuth2Upstream(
        issuer=found.issuer,
        derived_issuer=True,
        name=found.name,
        client_id="mcp-auth",
        authorization_endpoint=PLAIN["authorization_endpoint"],
        token_endpoint=PLAIN["token_endpoint"],
    )


def test_every_key_of_a_plain_server_arrives(settings):
    found = settings(
        _plain(
            issuer="https://login.example.com/oauth",
            userinfo_endpoint="http://127.0.0.1:8000/me",
            emails_endpoint="https://login.example.com/emails",
            scopes=["a", "b", "a"],
            scope_parameter="user_scope",
            prompts=["login"],
            offline_scopes=["offline"],
            offline_params={"prompt": "consent"},
            authorization_params={"team": "t"},
            token_request_scope=True,
            client_auth="client_secret_post",
            fields={"subject": ["team.id+user.id", "id"], "groups": ["teams"]},
            token_fields={"access_token": "user.token"},
        )
    ).upstream
    assert (found.issuer, found.derived_issuer) == ("https://login.example.com/oauth", False)
    assert found.userinfo_endpoint == "http://127.0.0.1:8000/me"
    assert found.scopes == ("a", "b")
    assert (found.scope_parameter, found.prompts) == ("user_scope", ("login",))
    assert (found.offline_scopes, found.offline_params) == (("offline",), {"prompt": "consent"})
    assert found.token_request_scope
    assert found.subject == ("team.id+user.id", "id")
    assert found.fields == ProfileFields(groups=("teams",))
    assert found.token_fields == TokenFields(access_token="user.token")


@pytest.mark.parametrize(
    ("changes", "key", "message"),
    [
        ({"authorization_endpoint": ABSENT}, "authorization_endpoint", "missing"),
        ({"token_endpoint": "http://login.example.com/token"}, "token_endpoint", "uses http"),
        ({"userinfo_endpoint": "https://u:p@example.com/"}, "userinfo_endpoint", "user info"),
        ({"client_auth": "private_key_jwt"}, "client_auth", "allowed values"),
        ({"client_secret": ABSENT}, "client_secret", "missing"),
        ({"fields": {"subject": []}}, "fields.subject", "too few"),
        ({"fields": {"subject": ["a+"]}}, "fields.subject[0]", "not the path"),
        ({"fields": {"subject": ["a"] * 11}}, "fields.subject", "too many"),
        ({"token_fields": {"acces_token": "x"}}, "token_fields.acces_token", "not a known key"),
        ({"scope_parameter": "state"}, "scope_parameter", "set by authserver"),
        (
            {"authorization_params": {"redirect_uri": "x"}},
            "authorization_params.redirect_uri",
            "set",
        ),
        ({"type": "oath2"}, "type", "allowed values"),
        ({"type": ABSENT}, "type", "missing"),
    ],
)
def test_a_mistake_in_a_plain_server_is_one_mistake_at_its_key(problems, changes, key, message):
    (problem,) = problems(_plain(**changes))
    assert problem.key == f"upstream.{key}"
    assert message in problem.message


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"type": "oidc"}, "authorization_endpoint, token_endpoint"),
        ({"id_token_algs": ["RS256"]}, "id_token_algs"),
        ({"subject_claim": "oid", "tenants": []}, "subject_claim, tenants"),
    ],
)
def test_keys_of_the_other_type_are_one_clear_mistake(problems, changes, named):
    (problem,) = problems(_plain(**changes))
    assert problem.key == "upstream"
    assert problem.message.endswith(named)
    assert "or leave these keys out" in problem.remedy


def test_a_missing_issuer_is_told_with_the_presets_example(problems):
    upstream = {"preset": "auth0", "client_id": "x", "client_secret": f"env:{VARIABLE}"}
    (problem,) = problems({"upstream": upstream})
    assert (problem.key, problem.message) == ("upstream.issuer", "is missing")
    assert problem.remedy == 'write issuer = "https://TENANT.us.auth0.com/"'


def test_tenants_need_to_know_where_the_metadata_is(problems):
    (problem,) = problems(
        {
            "upstream/issuer": "https://ms.example/{tenantid}/v2.0",
            "upstream/tenants": ["8f0c7a4e-2c55-4d0f-9a53-6f2f0a1c9b1e"],
        }
    )
    assert (problem.key, "discovery_url" in problem.message) == ("upstream.tenants", True)


def test_a_tenant_of_the_upstream_is_no_issuer_beside_it(problems):
    tenant = "8f0c7a4e-2c55-4d0f-9a53-6f2f0a1c9b1e"
    (problem,) = problems(
        {
            "upstream/issuer": "https://ms.example/{tenantid}/v2.0",
            "upstream/discovery_url": "https://ms.example/common/v2.0/.well-known/openid-configuration",
            "upstream/tenants": [tenant],
            "trusted_issuers/other": {
                "issuer": f"https://ms.example/{tenant}/v2.0",
                "audiences": ["https://auth.example.com"],
            },
        }
    )
    assert problem.key == "trusted_issuers.other.issuer"
    assert "names already" in problem.message


# --- by what users are known ---------------------------------------------------------------------


def test_who_users_are_is_shown(settings):
    shown = str(describe(settings(_plain(fields={"subject": ["id"]}))))
    assert "id of https://login.example.com/token" in shown


SAME = [
    {"upstream/client_secret": "file:other-secret"},
    {"upstream/name": "Other"},
    {"upstream/scopes": ["openid"]},
    {"upstream/request_timeout": 9},
    {"upstream/discovery_url": "https://elsewhere.example.com/metadata"},
    {"upstream/fields": {"groups": ["roles"]}},
]
OTHER = [
    {"upstream/issuer": "https://login.example.com/"},
    {"upstream/client_id": "other"},
    {"upstream/subject_claim": "oid"},
    _plain(issuer="https://login.example.com"),
]


@pytest.mark.parametrize("changes", SAME)
def test_what_only_finds_or_describes_users_does_not_change_who_they_are(
    settings, changes, tmp_path
):
    (tmp_path / "other-secret").write_text("another secret")
    ours = fingerprint.of(settings().upstream)
    assert fingerprint.of(settings(changes).upstream) == ours


@pytest.mark.parametrize("changes", OTHER)
def test_what_users_are_known_by_is_in_the_fingerprint(settings, changes):
    found = settings().upstream
    assert isinstance(found, OidcUpstream)
    assert fingerprint.of(settings(changes).upstream) != fingerprint.of(found)


@pytest.mark.parametrize(
    "changes",
    [
        {"userinfo_endpoint": "https://login.example.com/me"},
        {"token_endpoint": "https://elsewhere.example.com/token"},
        {"fields": {"subject": ["id"]}},
        {"issuer": "https://other.example.com"},
    ],
)
def test_whoever_names_the_users_of_a_plain_server_is_in_the_fingerprint(settings, changes):
    ours = fingerprint.of(settings(_plain()).upstream)
    assert fingerprint.of(settings(_plain(**changes)).upstream) != ours


def test_behind_userinfo_the_token_endpoint_may_move(settings):
    userinfo = {"userinfo_endpoint": "https://login.example.com/me"}
    ours = fingerprint.of(settings(_plain(**userinfo)).upstream)
    moved = _plain(token_endpoint="https://login.example.com/v2/token", **userinfo)
    assert fingerprint.of(settings(moved).upstream) == ours


def test_a_misspelt_preset_is_one_mistake(problems):
    upstream = {"preset": "gogle", "client_id": "x", "client_secret": f"env:{VARIABLE}"}
    (problem,) = problems({"upstream": upstream})
    assert problem.key == "upstream.preset"
    assert "did you mean google?" in problem.remedy

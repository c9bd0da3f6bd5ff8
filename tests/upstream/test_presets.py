"""Presets, row by row: four lines and what the provider answers make the user it means."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from authserver.settings import OidcUpstream, load
from authserver.settings.presets import presets
from authserver.settings.upstream import TENANT, TokenFields
from authserver.upstream import authorization_request, emails, fields, id_token, identity
from authserver.upstream import token_request as requests_for_tokens
from authserver.upstream.client import connect
from authserver.upstream.metadata_check import judge
from authserver.upstream.session import Answer, Deadline, UpstreamSession
from tests.settings.configuration import SECRET, changed, toml

ROOT = Path(__file__).resolve().parents[2]
ANSWERS = ROOT / "tests" / "fixtures" / "providers"
RECIPES = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "upstreams.md").read_text(), re.DOTALL)
NAMES = list(presets())
CALLBACK = "https://auth.example.com/callback"
ASK: Any = {"state": "s", "nonce": "n", "code_verifier": "v" * 43}
OIDC = [name for name in NAMES if presets()[name].keys["type"] == "oidc"]
PLAIN = [name for name in NAMES if name not in OIDC]


def _recipe(name):
    tables = [tomllib.loads(text)["upstream"] for text in RECIPES]
    (found,) = [table for table in tables if table.get("preset") == name]
    return found


def _answers(name):
    return json.loads((ANSWERS / f"{name}.json").read_text())


@pytest.fixture
def upstream(tmp_path, monkeypatch):
    """The upstream of a preset's recipe in docs/upstreams.md, with changes."""

    def upstream(preset, **changes):
        monkeypatch.setenv("UPSTREAM_CLIENT_SECRET", SECRET)
        (tmp_path / "sealing.key").write_bytes(b"k" * 32)
        recipe = {**_recipe(preset), **changes}
        if preset == "generic":
            recipe["issuer"] = "https://slack.com"
        if preset == "gitlab":  # the recipe is for one's own
            del recipe["issuer"]
        (tmp_path / "authserver.toml").write_text(toml(changed({"upstream": recipe})))
        return load(tmp_path / "authserver.toml").upstream

    return upstream


def _query(url):
    return parse_qs(urlsplit(url).query, strict_parsing=True)


def test_every_preset_has_a_recipe_and_the_answers_of_its_provider():
    assert {path.stem for path in ANSWERS.glob("*.json")} == set(NAMES)
    written = [tomllib.loads(text)["upstream"].get("preset") for text in RECIPES]
    assert {name for name in written if name} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_is_a_handful_of_lines(name):
    recipe = _recipe(name)
    own = {"github-enterprise": 7, "snowflake": 5}
    assert len(recipe) <= own.get(name, 5)


@pytest.mark.parametrize("text", RECIPES)
def test_every_recipe_of_the_guide_loads(text, tmp_path, monkeypatch):
    monkeypatch.setenv("UPSTREAM_CLIENT_SECRET", SECRET)
    (tmp_path / "sealing.key").write_bytes(b"k" * 32)
    table = tomllib.loads(text)["upstream"]
    (tmp_path / "authserver.toml").write_text(toml(changed({"upstream": table})))
    assert load(tmp_path / "authserver.toml").upstream.client_secret == SECRET


# --- OpenID providers ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", OIDC)
def test_nothing_in_the_providers_metadata_would_fail(upstream, name):
    assert list(judge(_answers(name)["metadata"], upstream(name))) == []


@pytest.mark.parametrize("name", OIDC)
def test_the_users_of_an_openid_provider_are_who_they_should_be(upstream, name):
    settings, answers = upstream(name), _answers(name)
    token = {**answers["id_token"], "iat": 1000, "exp": 2000, "nbf": 1000, "aud": "c", "azp": "c"}
    del token["at_hash" if "at_hash" in token else "iat"]
    expected = id_token.Expected(
        issuer=settings.issuer, client_id="c", nonce="n", access_token="a",
        tenants=settings.tenants, subject_claim=settings.subject_claim,
    )  # fmt: skip
    subject = id_token.check({"iat": 1000, **token}, expected, "RS256", 1000)
    asks = settings.userinfo == "always" or not identity.has_profile(token, settings.fields)
    found = identity.from_claims(
        str(token["iss"]), subject, (token, answers["userinfo"] if asks else {}), settings.fields
    )
    assert _described(found) == answers["identity"]
    if not settings.tenants:
        assert found.issuer == settings.issuer


def _described(found):
    return {
        "subject": found.subject,
        "name": found.name,
        "email": found.email,
        "email_verified": found.email_verified,
        "groups": found.claims.get("groups"),
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_token_answer_of_each_provider_has_an_access_token(upstream, name):
    settings = upstream(name)
    paths = getattr(settings, "token_fields", TokenFields())
    found = requests_for_tokens.tokens(_answers(name)["token"], paths)
    assert found.access_token
    assert found.access_token != "xoxb-17653672481-19874698323-x"
    if name in OIDC:
        assert found.id_token


OFFLINE = {
    "google": (None, {"access_type": "offline", "prompt": "consent"}),
    "cognito": (None, {}),
    "gitlab": (None, {}),
}


@pytest.mark.parametrize("name", OIDC)
def test_a_refresh_token_is_asked_for_in_the_providers_way_and_only_where_it_is_kept(
    upstream, name
):
    settings = upstream(name)
    scope, params = OFFLINE.get(name, ("offline_access", {}))
    assert "offline_access" not in authorization_request.scopes(settings)
    assert ("offline_access" in authorization_request.scopes(settings, ())) == (scope is not None)
    assert dict(settings.offline_params) == params


SUBJECTS = {"entra": "oid", "entra-multitenant": "oid"}
PROMPTS = {"google": "select_account"}


@pytest.mark.parametrize("name", OIDC)
def test_who_the_user_is_and_how_to_ask_again(upstream, name):
    settings = upstream(name)
    assert settings.subject_claim == SUBJECTS.get(name, "sub")
    assert authorization_request.prompt(settings, "login") == PROMPTS.get(name, "login")
    assert "HS256" not in settings.id_token_algs
    assert settings.token_request_scope == name.startswith("entra")


def test_no_request_to_an_entra_tenant_carries_a_resource_or_a_consent_prompt(upstream):
    settings = upstream("entra")
    query = authorization_request.url(settings, "https://login/", {}, "v" * 43, ("api://x/y",))
    assert not {"resource", "prompt"} & set(_query(query))


WRONG_ISSUERS = [
    ("entra", "https://login.microsoftonline.com/common/v2.0"),
    ("entra", "https://login.microsoftonline.com/organizations/v2.0"),
    ("entra", "https://login.microsoftonline.com/8f0c7a4e-2c55-4d0f-9a53-6f2f0a1c9b1e"),
    ("entra", "https://sts.windows.net/8f0c7a4e-2c55-4d0f-9a53-6f2f0a1c9b1e/"),
    ("okta", "https://example.okta.com/"),
    ("auth0", "https://example.us.auth0.com"),
    ("keycloak", "https://sso.example.com/realms/staff/"),
    ("keycloak", "https://sso.example.com"),
    ("cognito", "https://example.auth.eu-west-1.amazoncognito.com"),
    ("cognito", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI/"),
    ("authentik", "https://auth.example.com/application/o/mcp"),
]


@pytest.mark.parametrize(("name", "issuer"), WRONG_ISSUERS)
def test_an_issuer_that_this_provider_cannot_have_is_refused_with_the_right_shape(
    upstream, name, issuer
):
    from authserver.settings import SettingsError

    with pytest.raises(SettingsError) as refused:
        upstream(name, issuer=issuer)
    (problem,) = refused.value.problems
    assert problem.key == "upstream.issuer"
    assert f"is not an issuer of {name}" in problem.message
    assert problem.remedy


@pytest.mark.parametrize("name", [name for name in OIDC if presets()[name].issuer_pattern])
def test_the_example_of_an_issuer_has_its_shape(name):
    found = presets()[name]
    assert re.fullmatch(found.issuer_pattern, found.issuer_example)
    assert re.fullmatch(found.issuer_pattern, _recipe(name)["issuer"])


def test_authentik_without_a_signing_key_is_said_with_the_remedy(upstream):
    document = {**_answers("authentik")["metadata"]}
    document["id_token_signing_alg_values_supported"] = ["HS256"]
    (finding,) = judge(document, upstream("authentik"))
    assert "signs ID tokens with HS256" in finding.message
    assert "select a signing key" in finding.remedy
    assert list(judge(document, upstream("authentik", id_token_algs=["HS256"]))) == []


def test_a_cognito_pool_without_a_domain_is_said_with_the_remedy(upstream):
    document = {**_answers("cognito")["metadata"]}
    del document["token_endpoint"]
    (finding,) = judge(document, upstream("cognito"))
    assert "token_endpoint is missing" in finding.message
    assert "needs a domain" in finding.remedy


def test_the_organizations_issuer_is_a_template_that_only_tenants_fill(upstream):
    settings = upstream("entra-multitenant")
    assert isinstance(settings, OidcUpstream)
    assert TENANT in settings.issuer
    assert settings.issuer_of(settings.tenants[0]) == (
        "https://login.microsoftonline.com/8f0c7a4e-2c55-4d0f-9a53-6f2f0a1c9b1e/v2.0"
    )


# --- plain OAuth 2.0 servers ---------------------------------------------------------------------


class _Emails(UpstreamSession):
    """A session that has nothing but the recorded list."""

    def __init__(self, listed):
        super().__init__()
        self.listed = listed

    def get(self, *_):
        return Answer("emails", 200, json.dumps(self.listed).encode())


@pytest.mark.parametrize("name", PLAIN)
def test_the_users_of_a_plain_provider_are_who_they_should_be(upstream, name):
    settings, answers = upstream(name), _answers(name)
    document = answers["userinfo"] if settings.userinfo_endpoint else answers["token"]
    subject = fields.subject(document, settings.subject, "identity_subject")
    found = _described(identity.from_claims(settings.issuer, subject, (document,), settings.fields))
    if settings.emails_endpoint:
        found["email"], found["email_verified"] = emails.primary(
            _Emails(answers["emails"]), "", {}, Deadline(1)
        )
    assert found == answers["identity"]


@pytest.mark.parametrize(
    ("name", "start", "scope"),
    [
        ("github", "https://github.com/login/oauth/authorize?", ("scope", "read:user user:email")),
        ("github-enterprise", "https://github.example.com/login/oauth/authorize?",
         ("scope", "read:user user:email")),
        ("slack", "https://slack.com/oauth/v2/authorize?", ("user_scope", "users:read")),
        ("snowflake", "https://account.snowflakecomputing.com/oauth/authorize?", None),
    ],
)  # fmt: skip
def test_a_plain_provider_is_asked_at_its_place_for_its_scopes(upstream, name, start, scope):
    url = connect(upstream(name), CALLBACK).authorization_url(**ASK)
    query = _query(url)
    assert url.startswith(start)
    assert query["redirect_uri"] == [CALLBACK]
    assert query["code_challenge_method"] == ["S256"]
    assert scope is None or query[scope[0]] == [scope[1]]
    assert "nonce" not in query


def test_github_is_known_by_the_issuer_that_it_sends(upstream):
    settings = upstream("github")
    assert (settings.issuer, settings.derived_issuer) == ("https://github.com/login/oauth", False)
    assert settings.client_auth == "client_secret_post"
    assert settings.offline_scopes == ()


def test_an_issuer_that_is_not_written_is_the_origin(upstream):
    settings = upstream("github-enterprise")
    assert (settings.issuer, settings.derived_issuer) == ("https://github.example.com", True)


# --- what is written wins ------------------------------------------------------------------------


def test_what_is_written_wins_over_the_preset_and_tables_are_merged(upstream):
    settings = upstream(
        "google",
        name="Our Google",
        scopes=["openid", "email"],
        fields={"groups": ["roles"]},
    )
    assert (settings.name, settings.scopes) == ("Our Google", ("openid", "email"))
    assert settings.issuer == "https://accounts.google.com"
    assert settings.authorization_params == {"hd": "example.com"}
    other = upstream("entra", fields={"groups": ["roles"]})
    assert other.fields.groups == ("roles",)
    assert other.fields.email_verified == ("xms_edov",)

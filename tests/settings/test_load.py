"""What a file means, and that it is read whole"""

import dataclasses
from ipaddress import ip_network

import pytest

from authserver.oauth import resource
from authserver.oauth.client import RegistrationPolicy
from authserver.oauth.redirect_uri import PRIVATE_SCHEMES
from authserver.settings import Settings, TokenLifetimes
from tests.settings.configuration import ABSENT, SECRET


def test_issuer_upstream_and_one_resource_are_a_whole_configuration(settings, tmp_path):
    found = settings()
    assert found.issuer == "https://auth.example.com"
    assert found.redirect_uri == "https://auth.example.com/callback"
    assert found.upstream.client_secret == SECRET
    assert found.upstream.name == "login.example.com"
    assert found.upstream.scopes == ("openid", "profile", "email")
    assert found.database_url == f"sqlite:///{tmp_path}/authserver.db"
    assert len(found.sealing_keys) == 1
    assert found.signing_alg == "ES256"
    assert found.tokens == TokenLifetimes()
    assert found.registration.enabled
    assert found.config_path == tmp_path / "authserver.toml"
    assert found.secret_files == (tmp_path / "sealing.key",)
    written = [each.name for each in found.sections]
    assert written == ["issuer", "upstream", "resources.issues"]


def test_the_defaults_are_those_of_the_values(settings):
    found = settings()
    plain = Settings(
        issuer=found.issuer, upstream=found.upstream, resources=found.resources,
        database_url=found.database_url, sealing_keys=found.sealing_keys,
        registration=found.registration, config_path=found.config_path,
        secret_files=found.secret_files, sections=found.sections,
    )  # fmt: skip
    assert found == plain
    assert found.registration == RegistrationPolicy(
        scopes_supported=found.registration.scopes_supported
    )
    assert dataclasses.replace(found.upstream, client_secret=None) == dataclasses.replace(
        found.upstream.__class__(
            issuer=found.upstream.issuer, client_id="mcp-auth", name=found.upstream.name
        )
    )


def test_scopes_follow_from_the_resources(settings):
    found = settings(
        {
            "resources/repos": {
                "url": "https://repos.example.com/mcp",
                "scopes": {"repos:read": "Read"},
            }
        }
    )
    assert found.scopes_supported == (
        "issues:read", "issues:admin", "repos:read", "openid", "profile", "email"
    )  # fmt: skip
    assert "offline_access" in found.registration.scopes_supported
    assert [each.name for each in found.resources] == ["Issue tracker", "repos"]
    assert [each.url for each in found.resources] == [
        "https://issues.example.com/mcp", "https://repos.example.com/mcp"
    ]  # fmt: skip


def test_offline_access_is_listed_only_where_the_operator_says_so(settings):
    assert "offline_access" not in settings().scopes_supported
    assert "offline_access" in settings({"tokens/advertise_offline_access": True}).scopes_supported


def test_a_scope_is_a_text_or_a_table(settings):
    (found,) = settings().resources
    assert found.scopes["issues:read"].description == "Read your issues"
    assert not found.scopes["issues:read"].sensitive
    assert found.scopes["issues:admin"].sensitive
    assert found.default_scope() == ("issues:read",)


def test_a_configured_resource_can_be_bound(settings):
    found = settings()
    uris = ("https://issues.example.com/mcp", "https://ISSUES.example.com/mcp/")
    assert resource.bind(found.resources, uris) is found.resources[0]


@pytest.mark.parametrize(
    ("written", "seconds"), [(90, 90), ("90s", 90), ("15m", 900), ("2h", 7200), ("1d", 86400)]
)
def test_a_duration_is_seconds_or_has_a_unit(settings, written, seconds):
    assert (
        settings({"tokens/access_token_lifetime": written}).resources[0].access_token_lifetime
        == seconds
    )


def test_a_resource_may_have_a_lifetime_of_its_own(settings):
    found = settings({
        "tokens/access_token_lifetime": "5m",
        "resources/issues/access_token_lifetime": "2m",
        "resources/other": {"url": "https://other.example.com/mcp"},
    })  # fmt: skip
    assert [each.access_token_lifetime for each in found.resources] == [120, 300]
    assert found.longest_access_token_lifetime == 300


def test_private_schemes_extend_the_known_ones_unless_told_otherwise(settings):
    extended = settings({"registration/private_schemes": ["acme"]}).registration.redirect
    assert extended.private_schemes == PRIVATE_SCHEMES | {"acme"}
    replaced = settings({
        "registration/private_schemes": ["acme"], "registration/private_schemes_mode": "replace",
    }).registration.redirect  # fmt: skip
    assert replaced.private_schemes == {"acme"}


def test_a_loopback_issuer_and_upstream_may_use_http(settings):
    found = settings({
        "issuer": "http://localhost:8000",
        "upstream/issuer": "http://127.0.0.1:9000/realm/",
        "resources/issues/url": "http://[::1]:9001/mcp",
    })  # fmt: skip
    assert found.issuer == "http://localhost:8000"
    assert found.upstream.issuer == "http://127.0.0.1:9000/realm/"


def test_networks_patterns_and_folders_become_values(settings, tmp_path):
    (tmp_path / "pages").mkdir()
    found = settings({
        "rate_limits/trusted_egress": ["160.79.104.0/21", "2001:db8::/32"],
        "rate_limits/register_in_all": 0,
        "registration/allowed_redirect_uri_patterns": ["https://*.example.com:*/oauth/*"],
        "pages/templates": "pages",
        "pages/operator": "Example Corp",
        "server/trusted_proxies": 2,
    })  # fmt: skip
    assert found.rate_limits.trusted_egress == (
        ip_network("160.79.104.0/21"), ip_network("2001:db8::/32")
    )  # fmt: skip
    assert found.rate_limits.register_in_all == 0
    assert found.registration.redirect.patterns[0].host == "*.example.com"
    assert found.pages.templates == tmp_path / "pages"
    assert found.pages.operator == "Example Corp"
    assert found.trusted_proxies == 2


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("postgresql://user@db.example.com/auth", "postgresql+psycopg://user@db.example.com/auth"),
        ("postgresql+psycopg://db/auth", "postgresql+psycopg://db/auth"),
        (
            "postgresql:///auth?host=/run/postgresql",
            "postgresql+psycopg:///auth?host=/run/postgresql",
        ),
        ("sqlite:////var/lib/auth.db", "sqlite:////var/lib/auth.db"),
    ],
)
def test_a_database_is_sqlite_or_postgresql(settings, written, found):
    assert settings({"database/url": written}).database_url == found


def test_a_database_url_with_a_password_comes_from_a_secret(settings, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:pass@db/auth")
    found = settings({"database/url": "env:DATABASE_URL"})
    assert found.database_url == "postgresql+psycopg://user:pass@db/auth"


def test_a_public_upstream_client_has_no_secret(settings):
    found = settings({"upstream/client_auth": "none", "upstream/client_secret": ABSENT})
    assert found.upstream.client_secret is None


def test_settings_do_not_change(settings):
    found = settings()
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.issuer = "https://evil.example.com"
    with pytest.raises(TypeError):
        found.resources[0].scopes["more"] = "x"
    with pytest.raises(TypeError):
        found.upstream.authorization_params["hd"] = "x"

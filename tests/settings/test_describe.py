"""What is looser than the defaults is said, each by its key"""

import pytest

from authserver.settings import load
from authserver.settings.report.describe import describe
from tests.settings.configuration import ABSENT

LOOSENED = [
    ({"issuer": "http://localhost:8000"}, "issuer: http"),
    ({"upstream/issuer": "http://127.0.0.1:9000"}, "upstream.issuer: http"),
    ({"resources/issues/url": "http://localhost:9001/mcp"}, "resources.issues.url: http"),
    ({"upstream/client_auth": "none", "upstream/client_secret": ABSENT}, "upstream.client_auth"),
    ({"upstream/id_token_algs": ["HS256"]}, "upstream.id_token_algs: HS256"),
    ({"tokens/access_token_lifetime": "1h"}, "tokens.access_token_lifetime: 1h instead of 15m"),
    ({"tokens/authorization_code_lifetime": "10m"}, "tokens.authorization_code_lifetime: 10m"),
    ({"tokens/refresh_idle_lifetime": "90d"}, "tokens.refresh_idle_lifetime: 90d"),
    ({"tokens/refresh_absolute_lifetime": "730d"}, "tokens.refresh_absolute_lifetime: 730d"),
    (
        {"resources/issues/access_token_lifetime": "1h"},
        "resources.issues.access_token_lifetime: 1h",
    ),
    ({"keys/rotation_interval": "365d"}, "keys.rotation_interval: 365d"),
    ({"keys/publish_lead_time": "2h"}, "keys.publish_lead_time: 2h"),
    ({"registration/private_schemes": ["acme"]}, "registration.private_schemes: also acme"),
    (
        {"registration/confidential_redirect_uris": ["https://a.example.com/cb"]},
        "registration.confidential_redirect_uris: secrets are given out to https://a.example.com/cb",
    ),
    (
        {"registration/default_client_scopes": ["issues:read"]},
        "registration.default_client_scopes: every client may ask for issues:read",
    ),
    ({"rate_limits/register_per_address": 0}, "rate_limits.register_per_address: no limit"),
    ({"rate_limits/register_in_all": 5000}, "rate_limits.register_in_all: 5000 instead of"),
    ({"rate_limits/authorize_per_address": 0}, "rate_limits.authorize_per_address: no limit"),
    ({"rate_limits/failures_per_client": 0}, "rate_limits.failures_per_client: no limit"),
    ({"rate_limits/trusted_egress": ["160.79.104.0/21"]}, "rate_limits.trusted_egress: no limit"),
    ({"rate_limits/pending_per_address": 0}, "rate_limits.pending_per_address: no limit"),
    ({"tokens/dpop": False}, "tokens.dpop: false"),
    ({"rate_limits/user_codes_per_address": 0}, "rate_limits.user_codes_per_address: no limit"),
    ({"upstream/identity_assertions": True}, "upstream.identity_assertions: it says who users"),
    (
        {
            "trusted_issuers/company": {
                "issuer": "https://company.example",
                "identity_assertions": True,
            }
        },
        "trusted_issuers.company.identity_assertions: it says who users are",
    ),
    ({"upstream/clock_skew": 120}, "upstream.clock_skew: 120 instead of 60"),
    (
        {"upstream/exchange_audiences": ["chat"]},
        "upstream.exchange_audiences: its tokens for chat are exchanged too",
    ),
    ({"registration/unused_lifetime": "30d"}, "registration.unused_lifetime: 30d instead of 7d"),
    ({"registration/idle_lifetime": "365d"}, "registration.idle_lifetime: 365d instead of 90d"),
    (
        {"upstream/discovery_url": "http://127.0.0.1:9000/metadata"},
        "upstream.discovery_url: http without TLS",
    ),
    (
        {"server/authorization_endpoint_base_url": "http://localhost:8000"},
        "server.authorization_endpoint_base_url: http without TLS",
    ),
    (
        {"trusted_issuers/ci": {"issuer": "http://localhost:9002", "audiences": ["a"]}},
        "trusted_issuers.ci.issuer: http without TLS",
    ),
    (
        {
            "trusted_issuers/ci": {
                "issuer": "https://ci.example",
                "audiences": ["a"],
                "jwks_uri": "http://localhost:9002/keys",
            }
        },
        "trusted_issuers.ci.jwks_uri: http without TLS",
    ),
    (
        {"external_services/crm": {"token_url": "http://127.0.0.1:9003/t", "client_auth": "none"}},
        "external_services.crm.token_url: http without TLS",
    ),
    (
        {
            "resources/issues/client": {"client_secrets": ["env:TEST_UPSTREAM_SECRET"]},
            "downstream_servers/partner": {
                "issuer": "http://localhost:9004",
                "client_ids": {"issues": "x"},
                "resources": ["https://mcp.partner.example"],
                "scopes": [],
            },
        },
        "downstream_servers.partner.issuer: http without TLS",
    ),
    (
        {
            "resources/issues/client": {"client_secrets": ["env:TEST_UPSTREAM_SECRET"]},
            "downstream_servers/partner": {
                "issuer": "https://auth.partner.example",
                "client_ids": {"issues": "x"},
                "resources": ["http://localhost:9005/mcp"],
                "scopes": [],
            },
        },
        "downstream_servers.partner.resources: http without TLS",
    ),
    (
        {
            "external_services/crm": {
                "token_url": "https://crm.example/token",
                "client_auth": "none",
                "resource": "http://127.0.0.1:9003/api",
            }
        },
        "external_services.crm.resource: http without TLS",
    ),
    ({"server/trusted_proxies": 1}, "server.trusted_proxies: the last 1"),
]


@pytest.mark.parametrize(("changes", "sentence"), LOOSENED)
def test_a_loosened_default_is_said(settings, changes, sentence):
    description = describe(settings(changes))
    assert [each.startswith(sentence) for each in description.loosened] == [True]
    assert sentence in str(description)


def test_devices_need_to_know_of_the_proxy_that_ends_tls(settings):
    """Else all of them have its address, on the page that is to show where each asks from."""
    said = "server.trusted_proxies: 0, so that behind a proxy"
    devices = {"server/device_authorization": True}
    for changes, is_said in (
        (devices, True),
        (devices | {"server/trusted_proxies": 1}, False),
        (devices | {"issuer": "http://localhost:8000"}, False),
        ({}, False),
    ):
        sentences = describe(settings(changes)).loosened
        assert any(each.startswith(said) for each in sentences) is is_said
        frauds = [each for each in sentences if each.startswith("server.device_authorization: who")]
        assert len(frauds) == ("server/device_authorization" in changes)


def test_the_defaults_are_not_loose(settings):
    assert describe(settings()).loosened == ()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_secret_that_others_may_read_is_said(settings, tmp_path, mode):
    before = settings()
    (tmp_path / "sealing.key").chmod(mode)
    (said,) = describe(load(before.config_path)).loosened
    assert said.startswith(f"{tmp_path / 'sealing.key'}: others than its owner may read this")


def test_stricter_than_the_default_is_not_loose(settings):
    changes = {
        "tokens/access_token_lifetime": "5m",
        "tokens/refresh_idle_lifetime": "1d",
        "registration/enabled": False,
        "rate_limits/register_in_all": 5,
        "keys/rotation_interval": "30d",
        "registration/unused_lifetime": "1d",
        "registration/idle_lifetime": "30d",
        "upstream/clock_skew": 5,
        "registration/private_schemes": ["cursor"],
        "registration/private_schemes_mode": "replace",
    }
    assert describe(settings(changes)).loosened == ()


def test_the_redirect_uri_for_the_upstream_is_shown(settings):
    assert "https://auth.example.com/callback" in str(describe(settings()))


def test_a_database_is_shown_without_user_password_and_query(settings, monkeypatch):
    monkeypatch.setenv("DB", "postgresql://user:pass@db.example.com:5432/auth?sslmode=require")
    found = dict(describe(settings({"database/url": "env:DB"})).in_effect)
    assert found["database"] == "postgresql+psycopg://db.example.com:5432/auth"


def test_it_is_said_where_the_provider_is_asked_at_each_refresh(settings):
    asked = "liveness of issues"
    assert asked not in dict(describe(settings()).in_effect)
    changed = settings({"resources/issues/liveness": "refresh-checks-upstream"})
    assert "at each refresh" in dict(describe(changed).in_effect)[asked]


@pytest.mark.parametrize(
    ("changes", "who"),
    [
        ({}, "open"),
        ({"enabled": False}, "closed"),
        ({"initial_access_tokens": ["file:invitation"]}, "with an initial access token"),
        ({"management": True}, "open, managed by the clients"),
        ({"idempotent": True}, "open, shared by clients that say the same"),
        ({"stateless": True}, "open, nothing stored before the first consent"),
    ],
    ids=str,
)
def test_who_may_register_and_how_is_said(settings, tmp_path, changes, who):
    (tmp_path / "invitation").write_text("x" * 43)
    found = settings({f"registration/{name}": value for name, value in changes.items()})
    assert dict(describe(found).in_effect)["registration"] == who


WIKI = {
    "url": "https://wiki.example.com/mcp",
    "name": "Wiki",
    "allow": {"groups": ["staff"]},
    "claims": ["email"],
    "status_list": True,
    "scopes": {"shared": {"description": "Read", "allow": {"groups": ["readers"]}}},
}
ROWS = {
    **{f"resources/{name}": {**WIKI, "url": f"https://{name}.example.com/mcp", "name": name}
       for name in ("wiki", "notes")},
    "server/device_authorization": True,
}  # fmt: skip


def test_no_row_hides_another_one(settings):
    rows = describe(settings(ROWS)).in_effect
    said = dict(rows)
    assert len(said) == len(rows)
    for name in ("wiki", "notes"):
        assert said[f"who may use {name}"] == "groups has staff"
        assert said[f"who may have shared of {name}"] == "of these: groups has readers"
        assert said[f"tokens for {name} say"] == "email"
        assert said[f"revocations for {name}"] == "on the status list"


@pytest.mark.parametrize(
    ("changes", "row", "said"),
    [
        ({}, "pushed requests", "at /par"),
        ({"server/pushed_authorization_requests": False}, "pushed requests", "not taken"),
        ({}, "offline_access", "tolerated, not listed"),
        ({"tokens/advertise_offline_access": True}, "offline_access", "listed"),
        ({"registration/idle_lifetime": "30d"}, "registrations, idle lifetime", "30d"),
    ],
)
def test_what_is_switched_on_or_off_is_said(settings, changes, row, said):
    assert dict(describe(settings(changes)).in_effect)[row] == said


def test_limits_are_shown_of_what_is_switched_on(settings):
    off = {"registration/enabled": False}
    on = {"server/device_authorization": True}
    assert "register in all" in dict(describe(settings()).in_effect)
    assert "register in all" not in dict(describe(settings(off)).in_effect)
    assert "user codes in all" not in dict(describe(settings()).in_effect)
    assert "user codes in all" in dict(describe(settings(on)).in_effect)

"""What is looser than the defaults is said, each by its key"""

import pytest

from authserver.settings import load
from authserver.settings.describe import describe
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

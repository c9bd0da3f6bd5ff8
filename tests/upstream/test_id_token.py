"""Every ID token that must not sign anybody in, and the odd ones that may."""

import pytest

from authserver.upstream.errors import UpstreamError
from tests.upstream.hostile_idp import ABSENT, CLIENT_ID, NOW
from tests.upstream.jose import half_hash

pytestmark = pytest.mark.spec("OpenID Connect Core", "3.1.3.7")


def _reason(login, **changes):
    with pytest.raises(UpstreamError) as refusal:
        login.sign_in(**changes)
    return refusal.value.reason


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://evil.example"}, "id_token_issuer"),
        ({"iss": ABSENT}, "id_token_issuer"),
        ({"aud": "other"}, "id_token_audience"),
        ({"aud": ABSENT}, "id_token_audience"),
        ({"aud": []}, "id_token_audience"),
        ({"aud": "other", "azp": CLIENT_ID}, "id_token_audience"),
        ({"aud": ["other"], "azp": CLIENT_ID}, "id_token_audience"),
        ({"aud": [CLIENT_ID, "other"]}, "id_token_audience"),
        ({"aud": [CLIENT_ID, 7], "azp": CLIENT_ID}, "id_token_audience"),
        ({"aud": [CLIENT_ID, "other"], "azp": "other"}, "id_token_audience"),
        ({"aud": CLIENT_ID, "azp": "other"}, "id_token_audience"),
        ({"aud": CLIENT_ID.upper()}, "id_token_audience"),
        ({"exp": NOW - 60}, "id_token_expired"),
        ({"exp": ABSENT}, "id_token_malformed"),
        ({"exp": "1900000000"}, "id_token_malformed"),
        ({"exp": True}, "id_token_malformed"),
        ({"exp": 10**400}, "id_token_malformed"),
        ({"iat": NOW + 61}, "id_token_not_yet_valid"),
        ({"iat": NOW - 601}, "id_token_stale"),
        ({"iat": ABSENT}, "id_token_malformed"),
        ({"nbf": NOW + 61}, "id_token_not_yet_valid"),
        ({"nbf": "soon"}, "id_token_malformed"),
        ({"nonce": ABSENT}, "id_token_nonce"),
        ({"nonce": None}, "id_token_nonce"),
        ({"nonce": ""}, "id_token_nonce"),
        ({"nonce": "of another sign-in"}, "id_token_nonce"),
        ({"nonce": "ünicode"}, "id_token_nonce"),
        ({"sub": ABSENT}, "id_token_subject"),
        ({"sub": ""}, "id_token_subject"),
        ({"sub": 7}, "id_token_subject"),
        ({"sub": "x" * 256}, "id_token_subject"),
        ({"sub": "a\nb"}, "id_token_subject"),
        ({"sub": "a\0b"}, "id_token_malformed"),
        ({"at_hash": half_hash("another token")}, "id_token_at_hash"),
        ({"at_hash": ""}, "id_token_at_hash"),
        ({"at_hash": None}, "id_token_at_hash"),
        ({"at_hash": "ü"}, "id_token_at_hash"),
        ({"auth_time": NOW + 61}, "id_token_auth_time"),
    ],
)
def test_a_claim_that_is_wrong_signs_nobody_in(login, idp, claims, reason):
    idp.claims = claims

    assert _reason(login) == reason


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": [CLIENT_ID]},
        {"aud": [CLIENT_ID, "other"], "azp": CLIENT_ID},
        {"azp": CLIENT_ID},
        {"exp": NOW - 59},
        {"exp": NOW + 300.5},
        {"iat": NOW + 60},
        {"iat": NOW - 600},
        {"nbf": NOW + 60},
        {"at_hash": ABSENT},
        {"auth_time": ABSENT},
        {"sub": "x" * 255},
    ],
)
def test_a_claim_at_its_limit_is_accepted(login, idp, claims):
    idp.claims = claims

    assert login.sign_in().issuer == idp.issuer


def test_a_nonce_of_our_own_that_is_empty_accepts_nothing(login, idp):
    idp.claims = {"nonce": ""}

    assert _reason(login, nonce="") == "id_token_nonce"


@pytest.mark.parametrize("auth_time", [ABSENT, NOW - 161, "yesterday", None])
def test_a_sign_in_older_than_max_age_is_refused_by_its_auth_time(login, idp, auth_time):
    idp.claims = {"auth_time": auth_time}

    assert _reason(login, max_age=100) == "id_token_auth_time"


def test_a_sign_in_within_max_age_is_accepted(login, idp):
    idp.claims = {"auth_time": NOW - 160}

    assert login.sign_in(max_age=100).auth_time == NOW - 160


def test_the_auth_time_is_never_in_the_future(login, idp):
    idp.claims = {"auth_time": NOW + 60}

    assert login.sign_in().auth_time == NOW


@pytest.mark.parametrize("tenant", ["common", "organizations"])
def test_a_token_of_another_tenant_of_the_same_provider_is_refused(login, idp, tenant):
    idp.claims = {"iss": f"{idp.origin}/{tenant}/v2.0", "tid": tenant}

    assert _reason(login) == "id_token_issuer"

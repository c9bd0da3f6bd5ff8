import hashlib
from base64 import urlsafe_b64decode
from dataclasses import replace

import pytest

from authserver.oauth import access_token
from tests.oauth.samples import GRANT, ISSUER, ISSUES, NOW

PROVEN = replace(GRANT.authorization(), nonce="n")


@pytest.mark.spec("RFC 9068", "2.2")
def test_an_access_token_has_one_audience_and_all_it_needs():
    claims = access_token.access_token_claims(
        PROVEN, {}, issuer=ISSUER, lifetime=900, jti="j", now=NOW
    )
    assert claims == {
        "iss": ISSUER,
        "sub": "user-1",
        "aud": ISSUES.url,
        "client_id": "mcp-1",
        "scope": "issues:read issues:write",
        "iat": NOW,
        "exp": NOW + 900,
        "jti": "j",
        "auth_time": GRANT.auth_time,
        "grant_id": "grant-1",
    }
    assert isinstance(claims["aud"], str)
    assert access_token.ACCESS_TOKEN_TYPE == "at+jwt"


@pytest.mark.spec("RFC 9068", "2.2.2")
def test_a_claim_about_the_user_stands_beside_ours_and_replaces_none():
    stranger = {"groups": ["devs"], "sub": "somebody", "scope": "issues:purge", "exp": 0}
    plain = access_token.access_token_claims(
        PROVEN, {}, issuer=ISSUER, lifetime=9, jti="j", now=NOW
    )
    claims = access_token.access_token_claims(
        PROVEN, stranger, issuer=ISSUER, lifetime=9, jti="j", now=NOW
    )
    assert claims == {**plain, "groups": ["devs"]}


@pytest.mark.spec("OpenID Connect Core", "3.1.3.6")
def test_at_hash_is_the_example_of_the_specification():
    # The access token and hash of OpenID Connect Core, Appendix A.3 (RS256).
    claims = access_token.id_token_claims(
        PROVEN, issuer=ISSUER, access_token="jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y",
        alg="RS256", now=NOW,
    )  # fmt: skip
    assert claims["at_hash"] == "77QmUPtjPfzWtF2AnpK9RQ"


@pytest.mark.spec("OpenID Connect Core", "2")
@pytest.mark.parametrize(
    ("alg", "digest"), [("ES256", "sha256"), ("RS256", "sha256"), ("EdDSA", "sha512")]
)
def test_an_id_token_is_for_the_client_and_bound_to_the_access_token(alg, digest):
    claims = access_token.id_token_claims(
        PROVEN, issuer=ISSUER, access_token="token", alg=alg, now=NOW
    )
    half = hashlib.new(digest, b"token").digest()
    at_hash = str(claims.pop("at_hash"))
    assert urlsafe_b64decode(at_hash + "=" * (-len(at_hash) % 4)) == half[: len(half) // 2]
    assert claims == {
        "iss": ISSUER,
        "sub": "user-1",
        "aud": "mcp-1",
        "iat": NOW,
        "exp": NOW + access_token.ID_TOKEN_LIFETIME,
        "auth_time": GRANT.auth_time,
        "nonce": "n",
    }


def test_an_id_token_without_a_nonce_has_no_null():
    claims = access_token.id_token_claims(
        replace(PROVEN, nonce=None), issuer=ISSUER, access_token="t", alg="ES256", now=NOW
    )
    assert "nonce" not in claims
    assert None not in claims.values()

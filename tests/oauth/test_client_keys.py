"""The keys in a client's metadata: public, from one source, of what this server verifies"""

from typing import Any

import pytest

from authserver.oauth import client_keys
from authserver.oauth.client_keys import ClientKeys
from authserver.oauth.errors import OAuthError
from tests.upstream.jose import new_key

JWKS = {"keys": [new_key("one").as_dict(private=False)]}
URI = "https://app.example.com/jwks.json"


@pytest.mark.spec("RFC 7591", "2")
def test_keys_stand_in_the_metadata_or_at_a_url():
    assert client_keys.read({"jwks": JWKS}, fetches=True) == ClientKeys(JWKS)
    document = {"jwks_uri": URI, "token_endpoint_auth_signing_alg": "RS256"}
    assert client_keys.read(document, fetches=True) == ClientKeys(jwks_uri=URI, alg="RS256")


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"jwks": {"keys": []}},
        {"jwks": {"keys": [{}] * 21}},
        {"jwks": JWKS, "jwks_uri": URI},
        {"jwks": {"keys": [new_key("one").as_dict(private=True)]}},
        {"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}},
        {"jwks_uri": "http://app.example.com/jwks.json"},
        {"jwks_uri": "https://127.0.0.1/jwks.json"},
        {"jwks_uri": 7},
        {"jwks": JWKS, "token_endpoint_auth_signing_alg": "HS256"},
        {"jwks": JWKS, "token_endpoint_auth_signing_alg": "none"},
    ],
    ids=range(11),
)
def test_any_others_are_refused(document: dict[str, Any]):
    with pytest.raises(OAuthError) as refused:
        client_keys.read(document, fetches=True)
    assert refused.value.code == "invalid_client_metadata"


def test_where_nothing_is_fetched_no_url_is_taken():
    with pytest.raises(OAuthError):
        client_keys.read({"jwks_uri": URI}, fetches=False)
    assert client_keys.read({"jwks": JWKS}, fetches=False).jwks == JWKS


def test_who_uses_no_keys_may_name_some_but_no_private_ones():
    client_keys.check({"jwks": JWKS})
    client_keys.check({"jwks_uri": "http://anywhere"})
    with pytest.raises(OAuthError):
        client_keys.check({"jwks": {"keys": [new_key("one").as_dict(private=True)]}})

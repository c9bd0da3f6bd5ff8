import pytest

from authserver.oauth import client as clients
from authserver.oauth import client_document, identical_client
from authserver.oauth.client import RegistrationPolicy
from authserver.oauth.redirect_uri import match
from tests.oauth.samples import NOW

POLICY = RegistrationPolicy(scopes_supported=("issues:read", "issues:write", "openid"))
BODY = {
    "redirect_uris": ["https://app.example/cb", "http://127.0.0.1:3999/cb"],
    "client_name": "Editor",
    "scope": "issues:read issues:write",
}


def identified(**changes):
    return identical_client.identified(clients.parse({**BODY, **changes}, POLICY), NOW)


FIRST = identified()


@pytest.mark.parametrize(
    "same",
    [
        {},
        {"redirect_uris": BODY["redirect_uris"][::-1]},
        {"redirect_uris": [*BODY["redirect_uris"], BODY["redirect_uris"][0]]},
        {"redirect_uris": ["https://app.example/cb", "http://127.0.0.1:52123/cb"]},
        {"scope": "issues:write issues:read unknown"},
        {"grant_types": ["refresh_token", "authorization_code", "implicit"]},
        {"token_endpoint_auth_method": "none"},
        {"unknown": "member", "client_id": "mine"},
    ],
    ids=lambda same: "+".join(same) or "nothing",
)
def test_what_says_the_same_is_the_same_client(same):
    assert identified(**same) == FIRST


@pytest.mark.parametrize(
    "other",
    [
        {"client_name": "editor"},
        {"redirect_uris": ["https://app.example/cb"]},
        {"redirect_uris": ["https://app.example/cb", "http://127.0.0.1:3999/other"]},
        {"redirect_uris": ["https://app.example/cb", "http://localhost:3999/cb"]},
        {"scope": "issues:read"},
        {"scope": ""},
        {"grant_types": ["authorization_code"]},
        {"client_uri": "https://app.example/"},
        {"software_version": "2"},
        {"application_type": "native"},
        {"require_pushed_authorization_requests": True},
    ],
    ids=lambda other: "+".join(f"{name}" for name in other),
)
def test_what_says_anything_else_is_another_client(other):
    assert identified(**other).client_id != FIRST.client_id


def test_the_stored_client_takes_every_port_and_names_none_of_somebody_elses():
    assert FIRST.redirect_uris == ("http://127.0.0.1/cb", "https://app.example/cb")
    assert match(FIRST.redirect_uris, "http://127.0.0.1:3999/cb")


def test_it_is_renewed_well_before_it_would_be_purged():
    assert identical_client.renewed_after(7 * 86400) == 86400
    assert identical_client.renewed_after(3600) == 1800


def test_an_id_is_short_and_of_a_kind_of_its_own():
    assert FIRST.client_id.startswith(identical_client.PREFIX)
    assert len(FIRST.client_id) < 64
    assert not client_document.is_url(FIRST.client_id)
    assert FIRST.registered_at == NOW


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_one_with_a_secret_is_shared_with_nobody(method):
    parsed = clients.parse({**BODY, "token_endpoint_auth_method": method}, POLICY)
    assert not identical_client.is_public(parsed)
    assert identical_client.is_public(FIRST)

import json
from base64 import urlsafe_b64decode
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.oauth import client as clients
from authserver.oauth import client_document, signed_client
from authserver.oauth.client import RegistrationPolicy
from authserver.oauth.errors import OAuthError
from authserver.oauth.redirect_uri import RedirectPolicy, parse_pattern
from authserver.oauth.signed_client import ClientIdKeys
from tests.oauth.samples import NOW

FOLDER = Path(__file__).parent.parent / "fixtures" / "clients"
BODIES = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
ISSUER = "https://auth.example"
KEYS = ClientIdKeys((("0a0b0c0d", b"canary-key-1" * 3), ("01020304", b"canary-key-2" * 3)))
POLICY = RegistrationPolicy(scopes_supported=("issues:read", "issues:write", "openid"))
BODY = {"redirect_uris": ["http://127.0.0.1/cb", "https://app.example/cb"], "client_name": "Zürich"}
END = NOW + POLICY.unused_lifetime


def issue(body=BODY, keys=KEYS, nonce="nonce-1"):
    parsed = clients.parse(body, POLICY)
    return signed_client.issue(keys, ISSUER, parsed, nonce=nonce, now=NOW, expires_at=END)


def find(client_id, policy=POLICY, now=NOW, keys=KEYS, issuer=ISSUER):
    return signed_client.find(keys, issuer, client_id, policy, now)


ID = issue().client_id


@pytest.mark.parametrize("name", [name for name in BODIES if name != "copilot-studio"])
def test_every_real_public_client_fits_and_comes_back_as_it_registered(name):
    issued = issue(BODIES[name])
    assert find(issued.client_id) == issued
    assert len(issued.client_id) <= 512, "half of what there is room for"


def test_what_a_registration_says_comes_back_whatever_it_is():
    body = {
        **BODY,
        "grant_types": ["authorization_code"],
        "scope": "issues:read",
        "application_type": "native",
        "client_uri": "https://app.example/",
        "software_version": "1",
        "require_pushed_authorization_requests": True,
    }
    issued = issue(body)
    assert find(issued.client_id) == issued
    assert issued.client_name == "Zürich"
    assert issued.registered_at == NOW


def test_two_who_register_the_same_at_one_moment_are_two():
    other = issue(nonce="nonce-2")
    assert other.client_id != ID
    assert find(other.client_id) == other


def test_an_id_is_unreserved_characters_of_a_kind_of_its_own():
    assert signed_client.is_signed(ID)
    assert not signed_client.is_signed("mcp-abc")
    assert not client_document.is_url(ID)
    assert all(each.isalnum() or each in "-_." for each in ID)


def test_an_id_names_version_key_and_end_and_no_key_is_shown():
    version, kid, payload, _ = ID.split(".")
    content = json.loads(urlsafe_b64decode(payload + "=="))
    assert (version, kid) == ("mcps1", "0a0b0c0d")
    assert (content["iat"], content["exp"]) == (NOW, END)
    assert "canary" not in repr(KEYS)


@given(position=st.integers(0, len(ID) - 1), letter=st.sampled_from("ABab01-_."))
def test_an_id_with_one_letter_changed_is_nobody(position, letter):
    changed = ID[:position] + letter + ID[position + 1 :]
    assert (find(changed) is None) == (changed != ID)


@pytest.mark.parametrize(
    "client_id",
    ["", "mcps1.", ID[:-1], f"{ID}A", f"{ID}\n", f" {ID}", ID.upper(), ID.replace("s1.", "s2.")],
)
def test_what_only_looks_like_one_is_nobody(client_id):
    assert find(client_id) is None


def test_every_key_that_is_held_verifies_and_one_that_is_not_does_not():
    older = issue(keys=ClientIdKeys(KEYS.keys[::-1])).client_id
    assert find(older) is not None
    assert find(older, keys=ClientIdKeys(KEYS.keys[:1])) is None


def test_an_id_of_another_issuer_with_the_same_keys_is_nobody():
    assert find(ID, issuer=f"{ISSUER}/other") is None


def test_an_id_ends_when_it_says_or_earlier_where_the_rules_became_stricter():
    assert find(ID, now=END - 1) is not None
    assert find(ID, now=END) is None
    shorter = replace(POLICY, unused_lifetime=3600)
    assert find(ID, shorter, now=NOW + 3599) is not None
    assert find(ID, shorter, now=NOW + 3600) is None
    assert find(ID, replace(POLICY, unused_lifetime=10**9), now=END) is None


def test_an_id_is_what_todays_rules_allow():
    elsewhere = RedirectPolicy(patterns=(parse_pattern("https://other.example/*"),))
    found = find(ID, replace(POLICY, redirect=elsewhere))
    assert found.redirect_uris == ("http://127.0.0.1/cb",)
    web = issue({"redirect_uris": ["https://app.example/cb"]})
    assert find(web.client_id, replace(POLICY, redirect=elsewhere)) is None
    assert signed_client.today(web, replace(POLICY, redirect=elsewhere)) is None
    assert signed_client.today(web, POLICY) == web


def test_one_that_would_need_a_secret_today_is_nobody():
    stricter = replace(POLICY, confidential_redirect_uris=frozenset({"https://app.example/cb"}))
    assert find(ID, stricter) is None


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "private_key_jwt"])
def test_one_with_a_secret_or_keys_is_told_that_only_public_ones_register(method):
    client = replace(clients.parse(BODY, POLICY), token_endpoint_auth_method=method)
    with pytest.raises(OAuthError) as refused:
        signed_client.issue(KEYS, ISSUER, client, nonce="n", now=NOW, expires_at=END)
    assert refused.value.code == "invalid_client_metadata"
    assert "must be none" in refused.value.description


def test_metadata_that_does_not_fit_is_refused_and_says_what_to_shorten():
    fits = {**BODY, "client_name": "n" * 250}
    assert len(issue(fits).client_id) <= signed_client.MAX_LENGTH
    uris = [f"https://app.example/{'x' * 90}/{n}" for n in range(10)]
    with pytest.raises(OAuthError) as refused:
        issue({"redirect_uris": uris})
    assert refused.value.code == "invalid_client_metadata"
    assert "fewer or shorter redirect URIs" in refused.value.description


def test_the_longest_id_that_is_given_is_also_read():
    for length in range(300, 700):
        body = {"redirect_uris": [f"https://app.example/{'x' * length}"]}
        try:
            issued = issue(body)
        except OAuthError:
            break
        longest = issued
    assert len(longest.client_id) > signed_client.MAX_LENGTH - 4
    assert find(longest.client_id) == longest

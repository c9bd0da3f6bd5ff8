"""Clients that publish themselves: which URLs are fetched, and what a document may say"""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from urllib3.util import parse_url

from authserver.oauth import client, client_document
from authserver.oauth.client import RegistrationPolicy
from authserver.oauth.client_document import Publishers
from authserver.oauth.client_metadata import DEVICE_CODE
from authserver.oauth.errors import OAuthError
from tests.examples import examples

ANYBODY = Publishers()
URL = "https://app.example.com/client.json"
DOCUMENT = {"client_id": URL, "client_name": "App", "redirect_uris": ["https://app.example.com/cb"]}


def parsed(**changes: Any):
    document = {name: each for name, each in {**DOCUMENT, **changes}.items() if each is not None}
    return client_document.parse(json.dumps(document).encode(), URL, RegistrationPolicy())


def refusal(run, *args, **changes):
    with pytest.raises(OAuthError) as refused:
        run(*args, **changes)
    assert (refused.value.code, refused.value.description) == (
        "invalid_client",
        "The client is not known.",
    )
    return refused.value.detail


@pytest.mark.spec("CIMD draft-01", "3")
@pytest.mark.parametrize(
    "url",
    [
        URL,
        "https://claude.ai/oauth/mcp-oauth-client-metadata",
        "https://a.example.com/x/",
        "https://xn--bcher-kva.example/%E2%82%AC",
        "https://a-b.example.com/a~b/c.d;e=f,g:h",
    ],
)
def test_a_plain_https_url_with_a_path_is_fetched(url):
    assert client_document.check_url(url, ANYBODY) == url.split("/")[2]


HOSTILE = [
    "http://a.example.com/c", "https://a.example.com", "https://a.example.com/",
    "https://a.example.com/./c", "https://a.example.com/../c", "https://a.example.com/x/..",
    "https://a.example.com/%2e%2e/c", "https://a.example.com/%2E/c", "https://a.example.com/a%2fb",
    "https://a.example.com/c#f", "https://a.example.com/c#", "https://a.example.com/c?q",
    "https://u@a.example.com/c", "https://u:p@a.example.com/c", "https://a.example.com\\@b.com/c",
    "https://a.example.com/c d", "https://a.example.com/c\t", "https://a.example.com/c\n",
    "\x00https://a.example.com/c", " https://a.example.com/c", "https://a.example.com/c\x7f",
    "https://A.example.com/c", "HTTPS://a.example.com/c", "https:/a.example.com/c",
    "https:///c", "https://a.example.com:443/c", "https://a.example.com:0443/c",
    "https://a.example.com:/c", "https://a.example.com:99999/c", "https://a.example.com//c",
    "https://localhost/c", "https://printer.local/c", "https://db.internal/c", "https://host/c",
    "https://127.0.0.1/c", "https://[::1]/c", "https://2130706433/c", "https://0x7f.1/c",
    "https://127.1/c", "https://127.0.0.10/c", "https://10.0.0.255/k", "https://93.184.216.34/c",
    "https://a.example.0x7f/c", "https://a.example.com./c", "https://a..example.com/c",
    "https://-a.example.com/c", "https://a\uff0eexample.com/c", "https://bücher.example/c",
    "https://a.example.com:22/c", "https://a.example.com:6379/c", "https://a.example.com:8443/c",
    "https://a.example.com/" + "x" * 512, "https://a.example.com/%zz", "https://a.example.com/%e2",
    "https://", "https:", "",
]  # fmt: skip


@pytest.mark.spec("CIMD draft-01", "3")
@pytest.mark.parametrize("url", HOSTILE, ids=range(len(HOSTILE)))
def test_119_126_any_other_spelling_or_place_is_not(url):
    refusal(client_document.check_url, url, ANYBODY)


NAMES = st.lists(
    st.from_regex(r"[a-z0-9][a-z0-9-]{0,8}[a-z0-9]", fullmatch=True), min_size=1, max_size=3
)
PATHS = st.lists(st.text("abcXYZ019-._~", min_size=3, max_size=6), min_size=1, max_size=3)
GOOD = st.builds(
    lambda names, path: f"https://{'.'.join(names)}.com/{'/'.join(path)}", NAMES, PATHS
)
PIECES = [
    "u@", ":443", ":8443", ":", "?", "#", "\\", " ", "\t", "//", "/./", "/../", "%2e", "%2F", "%E9",
    "é", "A", "x", "-", ".", "/",
]  # fmt: skip


@pytest.mark.spec("CIMD draft-01", "3")
@examples(100)
@given(GOOD, st.just(8) | st.integers(0, 40))
def test_119_every_reader_reads_the_same_of_a_url_that_is_fetched(good, position):
    """Whatever is put anywhere into a good one: it is refused, or no parser disagrees."""
    assert client_document.check_url(good, ANYBODY) == urlsplit(good).netloc
    for piece in PIECES:
        url = good[:position] + piece + good[position:]
        try:
            host = client_document.check_url(url, ANYBODY)
        except OAuthError:
            continue
        agree(url, host)


def agree(url, host):
    path = url.removeprefix(f"https://{host}")
    read, sent = urlsplit(url), parse_url(str(requests.Request("GET", url).prepare().url))
    assert (read.scheme, read.netloc, read.path) == ("https", host, path)
    assert (read.query, read.fragment) == ("", "")
    for each in (parse_url(url), sent):
        found = (each.scheme, each.auth, each.host, each.port, each.request_uri, each.fragment)
        assert found == ("https", None, host, None, path, None)


def test_136_domains_are_allowed_and_denied_with_all_below_them():
    some = Publishers(allowed=("example.com",), denied=("bad.example.com",))
    assert client_document.check_url("https://example.com/c", some)
    assert client_document.check_url("https://a.b.example.com/c", some)
    for host in ("example.org", "badexample.com", "bad.example.com", "x.bad.example.com"):
        refusal(client_document.check_url, f"https://{host}/c", some)


def test_a_private_host_is_named_with_its_port():
    inside = Publishers(private_hosts=frozenset({"a.corp.internal", "b.corp.internal:8443"}))
    assert client_document.check_url("https://a.corp.internal/c", inside)
    assert client_document.check_url("https://b.corp.internal:8443/c", inside)
    for netloc in ("b.corp.internal", "a.corp.internal:8443", "c.corp.internal"):
        refusal(client_document.check_url, f"https://{netloc}/c", inside)


@pytest.mark.spec("CIMD draft-01", "4.1")
def test_a_document_is_a_client_with_what_this_server_has():
    found = parsed(
        grant_types=["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:x"],
        scope="unknown", logo_uri="https://cdn.example.com/logo.png", contacts=["a"],
    )  # fmt: skip
    assert (found.client_id, found.client_name) == (URL, "App")
    assert found.grant_types == ("authorization_code", "refresh_token")
    assert found.token_endpoint_auth_method == "none"
    assert found.scope is None
    assert not found.preregistered


@pytest.mark.spec("CIMD draft-01", "4.1")
@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": URL + "/"},
        {"client_id": URL.upper()},
        {"client_id": None},
        {"client_id": 7},
        {"client_name": None},
        {"client_name": ["App"]},
        {"redirect_uris": None},
        {"redirect_uris": []},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": ["http://app.example.com/cb"]},
        {"client_secret": "x"},
        {"client_secret_expires_at": 0},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "client_secret_post"},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"token_endpoint_auth_method": 7},
        {"token_endpoint_auth_methods_supported": ["client_secret_basic"]},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "http://a.example.com/k"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://[::1]/k"},
        {
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks_uri": "https://a.example.com/k",
            "token_endpoint_auth_signing_alg": "HS256",
        },
        {"jwks": {"keys": [{"kty": "oct", "k": "x"}]}},
        {"grant_types": ["client_credentials"]},
        {"response_types": ["token"]},
    ],
    ids=str,
)
def test_121_122_123_a_document_that_may_not_be_one_is_no_client(changes):
    refusal(parsed, **changes)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"<html>", b'{"client_id":', b"\xff", b'{"a":1,"a":2}']
)
def test_121_what_is_no_json_object_is_no_client(body):
    refusal(client_document.parse, body, URL, RegistrationPolicy())


def test_how_it_proves_itself_is_what_it_says_or_the_best_that_it_offers():
    keys: dict[str, Any] = {"jwks_uri": "https://app.example.com/jwks.json"}
    both = ["none", "private_key_jwt"]
    for changes, method in (
        ({}, "none"),
        ({"token_endpoint_auth_methods_supported": both, **keys}, "private_key_jwt"),
        ({"token_endpoint_auth_methods_supported": ["none"]}, "none"),
        ({"token_endpoint_auth_method": "none", **keys}, "none"),
        (
            {
                "token_endpoint_auth_method": "private_key_jwt",
                "token_endpoint_auth_methods_supported": both,
                "token_endpoint_auth_signing_alg": "RS256",
                **keys,
            },
            "private_key_jwt",
        ),
    ):
        found = parsed(**changes)
        assert found.token_endpoint_auth_method == method
    assert (found.jwks_uri, found.token_endpoint_auth_signing_alg) == (keys["jwks_uri"], "RS256")


@pytest.mark.spec("CIMD draft-01", "6.3")
def test_130_a_consent_is_for_name_redirect_uris_and_keys():
    jwt = {"token_endpoint_auth_method": "private_key_jwt"}
    before = parsed(jwks_uri="https://app.example.com/jwks.json", **jwt)
    assert client.digest(before) == client.digest(
        parsed(jwks_uri="https://app.example.com/jwks.json", software_version="2", **jwt)
    )
    for changes in (
        {"client_name": "Another"},
        {"redirect_uris": ["https://app.example.com/other"]},
        {"jwks_uri": "https://app.example.com/other.json"},
    ):
        other = parsed(**{"jwks_uri": "https://app.example.com/jwks.json", **jwt, **changes})
        assert client.digest(other) != client.digest(before)


@pytest.mark.parametrize(
    ("said", "seconds"), [(None, 300), (0, 300), (299, 300), (3600, 3600), (10**9, 86400)]
)
def test_129_a_document_is_fresh_for_as_long_as_its_server_says_within_bounds(said, seconds):
    assert client_document.fresh_for(said) == seconds


@pytest.mark.spec("MCP 2026-07-28", "Enterprise-Managed Authorization")
@pytest.mark.parametrize(
    ("on", "method", "has_it"),
    [(True, "private_key_jwt", True), (False, "private_key_jwt", False), (True, "none", False)],
)
def test_only_one_with_keys_may_bring_identity_assertions_and_only_where_they_are_taken(
    on, method, has_it
):
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    keys = {"jwks_uri": "https://app.example/keys"} if method == "private_key_jwt" else {}
    document = {
        "client_id": "https://app.example/client.json",
        "client_name": "App",
        "redirect_uris": ["https://app.example/callback"],
        "grant_types": ["authorization_code", grant],
        "token_endpoint_auth_method": method,
        **keys,
    }
    policy = RegistrationPolicy(identity_assertions=on)
    found = client_document.parse(json.dumps(document).encode(), document["client_id"], policy)
    assert (grant in found.grant_types) is has_it


@pytest.mark.spec("RFC 8628", "3.1")
def test_a_mere_device_may_publish_itself_and_stays_who_it_is_where_none_may_ask():
    said = {"client_id": URL, "client_name": "Television", "grant_types": [DEVICE_CODE]}
    body = json.dumps(said).encode()
    for on in (True, False):
        client = client_document.parse(body, URL, RegistrationPolicy(device=on))
        assert (client.grant_types, client.redirect_uris) == ((DEVICE_CODE,), ())


@pytest.mark.spec("RFC 7523", "2.1")
def test_an_agent_without_a_browser_may_live_on_identity_assertions_alone():
    said = {
        "client_id": URL,
        "client_name": "Agent",
        "grant_types": ["urn:ietf:params:oauth:grant-type:jwt-bearer"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks_uri": "https://app.example/jwks.json",
    }
    body = json.dumps(said).encode()
    client = client_document.parse(body, URL, RegistrationPolicy(identity_assertions=True))
    assert (client.grant_types, client.redirect_uris) == (tuple(said["grant_types"]), ())
    refusal(client_document.parse, body, URL, RegistrationPolicy())

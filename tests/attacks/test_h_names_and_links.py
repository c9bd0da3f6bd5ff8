"""Cases 109, 110: names and addresses that a client gives itself"""

import pytest

from tests.actors import Browser, McpClient
from tests.attacks.visiting import consent_page, sign_in_page

URI = "https://app.example/cb"


def _register(deployment, document=None, /, headers=None, **members):
    body = {"redirect_uris": [URI], **members} if document is None else document
    return deployment.http().post("/register", json=body, headers=headers)


@pytest.mark.spec("RFC 7591", "5")
@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("Cur\u200bsor", "Cur sor"),
        ("\u202erosruC", "rosruC"),
        ("a\r\nSet-Cookie: x", "a Set-Cookie: x"),
        ("Claude\u2028\u2029 \t Code", "Claude Code"),
        ("e\u0301", "\u00e9"),
        ("Z" + "\u0301" * 50, "\u0179" + "\u0301" * 3),
        ("\ufeff\u00ad\u2066", None),
        ("\ufdfa", "\ufdfa"),
        ("<b>Cursor</b>", "<b>Cursor</b>"),
        ("\u0421ursor", "\u0421ursor"),
    ],
)
def test_109_a_name_is_stored_without_what_hides_or_reorders(deployment, name, stored):
    answer = _register(deployment, client_name=name)

    assert answer.status_code == 201
    assert answer.json.get("client_name") == stored
    assert "\r" not in str(deployment.last("client.registered"))


@pytest.mark.spec("MCP Authorization", "Redirect URI validation")
@pytest.mark.parametrize(
    "name", ["Cursor", "Claude", "<b>Claude</b> (verified)", "\u0421ursor", "x" * 256]
)
def test_109_whatever_its_name_it_is_unverified_and_its_host_is_shown(deployment, name):
    client = McpClient(deployment, "https://evil.example/cb", {"client_name": name}).register()
    browser = Browser(deployment)

    pages = [sign_in_page(client, browser), consent_page(client, browser)]

    for page in pages:
        text = page.get_data(as_text=True)
        assert "Not verified" in text
        assert "<bdi>evil.example</bdi>" in text
        assert "<b>Claude" not in text
        assert "x" * 60 not in text


@pytest.mark.parametrize("member", ["client_uri", "logo_uri", "tos_uri", "policy_uri"])
@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "data:image/svg+xml,<svg onload=alert(1)>", "http://app.example/",
        "https://127.0.0.1/", "https://10.0.0.1/", "https://localhost/", "https://[::1]/",
        "https://169.254.169.254/latest", "https://user@evil.example/", "//evil.example/",
        "https://intranet/", 'https://a.example/"><script>', "https://a.example\\@b.example/",
        " https://a.example/", "https://a.example/\n", "https://2130706433/", "file:///etc/passwd",
        "https://exämple.com/",
    ],
)  # fmt: skip
def test_110_addresses_that_lead_elsewhere_or_run_are_dropped(deployment, member, url):
    answer = _register(deployment, **{member: url})

    assert answer.status_code == 201
    assert member not in answer.json


@pytest.mark.parametrize("member", ["client_uri", "logo_uri", "tos_uri", "policy_uri"])
def test_110_public_addresses_are_kept_and_on_no_page(deployment, member):
    url = "https://cdn.evil.example/logo.png"
    client = McpClient(deployment, URI, {member: url}).register()
    browser = Browser(deployment)

    assert _register(deployment, **{member: url}).json[member] == url
    for page in (sign_in_page(client, browser), consent_page(client, browser)):
        assert "evil.example" not in page.get_data(as_text=True)


@pytest.mark.parametrize("member", ["jwks_uri", "logo_uri", "client_uri", "sector_identifier_uri"])
def test_no_address_in_a_registration_is_ever_fetched(deployment, idp, member):
    before = len(idp.seen)

    client = McpClient(deployment, URI, {member: f"{idp.origin}/jwks"}).register()
    consent_page(client, Browser(deployment))

    asked = {seen.path for seen in idp.seen[before:]}
    assert asked <= {"/.well-known/openid-configuration", "/token", "/jwks", "/userinfo"}
    assert len([seen for seen in idp.seen[before:] if seen.path == "/jwks"]) <= 1

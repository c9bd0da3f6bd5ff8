"""Clients that publish who they are at their client_id: CIMD draft -01"""

import json
from typing import Any

import pytest

from authserver.oauth import epoch
from authserver.upkeep import run_once
from tests.actors import Browser, Deployment, McpClient, claims_of, response_of
from tests.exchanging import form
from tests.publishing import CALLBACK, HOST, asked_for, refuse_connections, resolve
from tests.upstream.jose import new_key, sign
from tests.upstream.spoiled_server import Spoiled

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
NONE_LISTED = {"token_endpoint_auth_methods_supported": ["none", "private_key_jwt"]}


@pytest.fixture
def deployment(sqlite_url, idp, tmp_path, publisher):
    more = publisher.settings()
    with Deployment.start(tmp_path, sqlite_url, idp, more=more) as started:
        yield started


@pytest.fixture
def client(deployment, publisher):
    return McpClient(deployment, redirect_uri=CALLBACK, client_id=publisher.publish())


@pytest.mark.spec("CIMD draft-01", "4")
def test_a_client_that_never_registered_connects_and_goes_on(client, deployment, publisher):
    tokens = client.connect()

    claims = claims_of(tokens["access_token"])
    assert claims["client_id"] == publisher.url()
    assert client.refresh(tokens["refresh_token"]).status_code == 200
    assert publisher.asked == ["/client.json"]
    with deployment.server.store.read() as reads:
        assert reads.client_count() == 0


def test_the_metadata_says_that_it_works(deployment, sqlite_url, idp, tmp_path):
    document = deployment.http().get("/.well-known/oauth-authorization-server").json
    assert document["client_id_metadata_document_supported"] is True
    assert {"none", "private_key_jwt"} <= set(document["token_endpoint_auth_methods_supported"])
    assert "RS256" in document["token_endpoint_auth_signing_alg_values_supported"]


def test_where_it_is_off_nobody_is_asked_and_the_metadata_is_silent(
    sqlite_url, idp, tmp_path, publisher
):
    more = publisher.settings("enabled = false\n")
    with Deployment.start(tmp_path, sqlite_url, idp, more=more) as deployment:
        client = McpClient(deployment, redirect_uri=CALLBACK, client_id=publisher.publish())
        page = asked_for(client)
        assert (page.status_code, "connect again" in page.text) == (400, True)
        assert publisher.asked == []
        document = deployment.http().get("/.well-known/oauth-authorization-server").json
        assert "client_id_metadata_document_supported" not in document


@pytest.mark.spec("MCP 2026-07-28", "Client ID Metadata Documents")
def test_consent_shows_the_host_that_vouches_for_it_and_is_remembered(client, deployment):
    browser = Browser(deployment)
    page = browser.sign_in(browser.get(client.authorize_url()))
    assert f"Published by <bdi>{HOST}</bdi>" in page.text
    assert "Verified" in page.text
    browser.submit(page, 1, decision="approve")

    again = browser.get(client.authorize_url())
    assert again.headers["Location"].startswith(f"{CALLBACK}?code=")


def test_132_an_app_on_this_computer_that_uses_the_name_is_never_silent(publisher, deployment):
    loopback = "http://127.0.0.1/callback"
    client_id = publisher.publish(redirect_uris=[loopback])
    client = McpClient(deployment, redirect_uri="http://127.0.0.1:5555/callback")
    client.client_id = client_id
    browser = Browser(deployment)
    for _ in range(2):
        page = browser.get(client.authorize_url())
        page = browser.sign_in(page) if "/sign-in" in page.request.path else page
        assert f"Says it is the application of <bdi>{HOST}</bdi>" in page.text
        assert "cannot check which one is asking" in page.text
        assert "code" in response_of(browser.submit(page, 1, decision="approve"))


@pytest.mark.spec("CIMD draft-01", "6.3")
@pytest.mark.parametrize(
    "changes",
    [
        {"client_name": "Another"},
        {"redirect_uris": [CALLBACK, "https://app.example/other"]},
        {
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": {"keys": [new_key("k").as_dict(private=False)]},
        },
    ],
    ids=["name", "redirect URIs", "keys"],
)
def test_130_who_is_another_one_now_is_asked_about_again(client, deployment, publisher, changes):
    browser = Browser(deployment)
    client.connect(browser)
    publisher.publish(**changes)
    deployment.wait(299)
    assert "code=" in browser.get(client.authorize_url()).headers["Location"]
    deployment.wait(2)

    page = browser.get(client.authorize_url())
    page = browser.sign_in(page) if page.request.path == "/sign-in" else page
    assert page.request.path == "/consent"
    updates = [each for each in deployment.events if each["event"] == "client.updated"]
    name = changes.get("client_name", "Editor")
    assert [(each["client_id"], each["client_name"]) for each in updates] == [
        (publisher.url(), name)
    ]


def test_130_the_audit_tells_once_that_a_client_is_another_one_and_not_that_it_is_new(
    client, deployment, publisher
):
    token = client.connect()["refresh_token"]
    for name, software in (("Editor", "2"), ("Another", "2"), ("Another", "3")):
        publisher.publish(client_name=name, software_version=software)
        deployment.wait(301)
        token = client.refresh(token).json["refresh_token"]
    assert len(publisher.asked) == 4
    updates = [each for each in deployment.events if each["event"] == "client.updated"]
    assert [each["client_name"] for each in updates] == ["Another"]
    assert updates[0]["time"] == deployment.clock.now - 301
    assert updates[0]["address"] == "127.0.0.1"
    assert updates[0]["request_id"]


def test_129_what_its_server_calls_fresh_is_not_fetched_again(client, deployment, publisher):
    publisher.headers["Cache-Control"] = "max-age=3600"
    for _ in range(3):
        assert asked_for(client).request.path == "/sign-in"
    deployment.wait(3599)
    with Deployment(deployment.settings, deployment.idp, deployment.clock) as restarted:
        client.deployment = restarted
        assert asked_for(client).request.path == "/sign-in"
    client.deployment = deployment
    assert asked_for(client).request.path == "/sign-in"
    assert publisher.asked == ["/client.json"]
    deployment.wait(1)
    assert asked_for(client).request.path == "/sign-in"
    assert publisher.asked == ["/client.json"] * 2


@pytest.mark.spec("RFC 5861", "4")
def test_what_was_granted_goes_on_for_a_day_while_the_host_is_down(client, deployment, publisher):
    tokens = client.connect()
    publisher.documents["/client.json"] = Spoiled(503)
    deployment.wait(301)
    assert asked_for(client).status_code == 400
    again = client.refresh(tokens["refresh_token"])
    assert again.status_code == 200
    deployment.wait(86400)
    gone = client.refresh(again.json["refresh_token"])
    assert (gone.status_code, gone.json["error"]) == (503, "temporarily_unavailable")
    assert gone.headers["Retry-After"]
    publisher.publish()
    assert client.refresh(again.json["refresh_token"]).status_code == 200


def test_while_its_host_is_down_it_is_asked_for_a_document_every_half_minute(
    client, deployment, publisher
):
    token = client.connect()["refresh_token"]
    publisher.documents["/client.json"] = Spoiled(503)
    deployment.wait(301)
    for seconds in (0, 1, 28, 1):
        deployment.wait(seconds)
        answer = client.refresh(token)
        assert answer.status_code == 200
        token = answer.json["refresh_token"]
    assert len(publisher.asked) == 1 + 2


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (Spoiled(404), "temporarily_unavailable"),
        (Spoiled(410), "temporarily_unavailable"),
        (Spoiled(200, b"{}"), "invalid_client"),
    ],
    ids=["404", "410", "no client"],
)
def test_what_was_granted_ends_with_a_document_that_was_withdrawn(
    client, deployment, publisher, spoil, error
):
    tokens = client.connect()
    publisher.documents["/client.json"] = spoil
    deployment.wait(301)
    for _ in range(2):
        assert client.refresh(tokens["refresh_token"]).json["error"] == error
    publisher.publish()
    assert client.refresh(tokens["refresh_token"]).status_code == 200


def test_what_it_has_can_be_given_back_however_long_the_host_is_gone(client, deployment, publisher):
    tokens = client.connect()
    publisher.documents.clear()
    deployment.wait(10 * 86400)
    params = {"token": tokens["refresh_token"], "client_id": client.client_id}
    assert form(deployment, "/revoke", params).status_code == 200
    assert deployment.last("token.revoked")["client_id"] == client.client_id


def test_a_client_that_never_asked_for_anything_is_not_fetched_at_the_token_endpoint(
    client, publisher
):
    answer = client.redeem("no-code")
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")
    assert publisher.asked == []


def test_documents_that_nobody_uses_go_and_those_of_live_grants_stay(client, deployment, publisher):
    client.connect()
    other = publisher.publish("/other.json")
    asked_for(McpClient(deployment, redirect_uri=CALLBACK, client_id=other))
    both, hour = {client.client_id, other}, 3600
    for wait, kept in ((hour, both), (hour, {client.client_id}), (400 * 24 * hour, set())):
        deployment.wait(wait)
        run_once(deployment.server)
        with deployment.server.store.read() as reads:
            found = {each for each in (client.client_id, other) if reads.client_document(each)}
        assert found == kept


def test_a_client_that_is_revoked_starts_anew(client, deployment, publisher):
    browser = Browser(deployment)
    tokens = client.connect(browser)
    with deployment.server.store.write() as tx:
        tx.bump_epoch(epoch.client(publisher.url()))
    assert client.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert client.connect(browser)


# --- with a key of its own ---


def assertion(publisher, deployment, key, **changes):
    now = deployment.clock.now
    claims = {
        "iss": publisher.url(), "sub": publisher.url(), "aud": deployment.issuer,
        "exp": now + 60, "iat": now, "jti": f"jti-{len(deployment.events)}", **changes,
    }  # fmt: skip
    return sign({"alg": "ES256", "kid": key.kid}, json.dumps(claims).encode(), key)


def prove(client, publisher, key, code, **changes):
    params = client.code_params(code, client_assertion_type=ASSERTION)
    params["client_assertion"] = assertion(publisher, client.deployment, key, **changes)
    return form(client.deployment, "/token", params)


@pytest.fixture
def keyed(publisher, deployment):
    """A client such as ChatGPT: it publishes its keys beside its document."""
    key = new_key("one")
    publisher.documents["/jwks.json"] = {"keys": [key.as_dict(private=False)]}
    client_id = publisher.publish(
        token_endpoint_auth_method="private_key_jwt",
        jwks_uri=publisher.url("/jwks.json"),
        token_endpoint_auth_signing_alg="ES256",
        **NONE_LISTED,
    )
    return McpClient(deployment, redirect_uri=CALLBACK, client_id=client_id), key


@pytest.mark.spec("RFC 7523", "3")
def test_a_client_proves_itself_with_a_key_that_it_publishes(keyed, publisher):
    client, key = keyed
    for _ in range(2):
        assert prove(client, publisher, key, client.code()).status_code == 200
    assert publisher.asked == ["/client.json", "/jwks.json"]


def test_without_its_key_nobody_is_that_client(keyed, publisher, deployment):
    client, key = keyed
    code = client.code()
    for answer in (
        client.redeem(code),
        prove(client, publisher, new_key("one"), code),
        prove(client, publisher, key, code, aud=f"{deployment.issuer}/token"),
        prove(client, publisher, key, code, iss="https://other.example/c"),
        prove(client, publisher, key, code, exp=deployment.clock.now + 3600),
    ):
        assert answer.status_code in (400, 401)
        assert answer.json["error"] == "invalid_client"
    assert prove(client, publisher, key, code).status_code == 200


def test_a_new_key_is_fetched_soon_and_made_up_ones_cost_little(keyed, publisher, deployment):
    client, key = keyed
    assert prove(client, publisher, key, client.code()).status_code == 200
    new = new_key("two")
    publisher.documents["/jwks.json"] = {"keys": [new.as_dict(private=False)]}
    assert prove(client, publisher, new, client.code()).json["error"] == "invalid_client"
    deployment.wait(31)
    assert prove(client, publisher, new, client.code()).status_code == 200
    for number in range(5):
        prove(client, publisher, new_key(f"made-up-{number}"), "no-code")
    assert publisher.asked.count("/jwks.json") == 2


def test_129_keys_that_their_server_calls_fresh_are_not_fetched_again(keyed, publisher, deployment):
    client, key = keyed
    publisher.headers["Cache-Control"] = "max-age=3600"
    for seconds, asked in ((0, 1), (3599, 1), (1, 2)):
        deployment.wait(seconds)
        assert prove(client, publisher, key, client.code()).status_code == 200
        assert publisher.asked.count("/jwks.json") == asked


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("https://inner.example/jwks.json", "127.0.0.1"),
        ("https://inner.example/jwks.json", "10.0.0.7"),
        ("https://inner.example:8443/jwks.json", "127.0.0.1"),
        ("https://inner.example:8443/jwks.json", "93.184.216.34"),
        ("https://printer.local/jwks.json", "127.0.0.1"),
        ("https://db.corp.internal/jwks.json", "10.0.0.7"),
    ],
)
def test_134_keys_that_lie_inside_are_not_fetched(publisher, deployment, monkeypatch, uri, address):
    client_id = publisher.publish(token_endpoint_auth_method="private_key_jwt", jwks_uri=uri)
    client = McpClient(deployment, redirect_uri=CALLBACK, client_id=client_id)
    code = client.code()
    resolve(monkeypatch, lambda host: ["127.0.0.1"] if host == HOST else [address])
    tried = refuse_connections(monkeypatch, 443, 8443)
    answer = prove(client, publisher, new_key("one"), code)
    assert answer.json["error"] in ("temporarily_unavailable", "invalid_client")
    assert tried == []
    assert publisher.asked == ["/client.json"]


# --- the documents of real clients ---

REAL: dict[str, dict[str, Any]] = {
    "Claude": {
        "client_name": "Claude", "client_uri": "https://claude.ai",
        "redirect_uris": ["https://claude.ai/api/mcp/auth_callback"],
        "grant_types": ["authorization_code", "refresh_token",
                        "urn:ietf:params:oauth:grant-type:jwt-bearer"],
        "response_types": ["code"],
    },
    "Claude Code": {
        "client_name": "Claude Code", "client_uri": "https://claude.ai",
        "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"],
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
    },
    "VS Code": {
        "client_name": "Visual Studio Code", "client_uri": "https://vscode.dev/product",
        "logo_uri": "https://code.visualstudio.com/assets/branding/code-stable.png",
        "grant_types": ["authorization_code", "refresh_token",
                        "urn:ietf:params:oauth:grant-type:device_code"],
        "response_types": ["code"], "application_type": "native",
        "redirect_uris": ["http://127.0.0.1:33418/", "https://vscode.dev/redirect"],
    },
    "ChatGPT": {
        "client_name": "ChatGPT", "client_uri": "https://chatgpt.com/",
        "redirect_uris": ["https://chatgpt.com/connector_platform_oauth_redirect"],
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
        "token_endpoint_auth_signing_alg": "RS256",
        "jwks_uri": "https://chatgpt.com/oauth/jwks.json",
    },
    "ChatGPT, by what it offers": {
        "client_name": "ChatGPT", "token_endpoint_auth_method": None,
        "redirect_uris": ["https://chatgpt.com/connector_platform_oauth_redirect"],
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
        "jwks_uri": "https://chatgpt.com/oauth/jwks.json",
    },
    "Codex": {
        "client_name": "Codex", "application_type": "native",
        "redirect_uris": ["http://127.0.0.1/callback", "http://localhost/callback"],
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
    },
    "opencode": {
        "client_name": "opencode", "client_uri": "https://opencode.ai",
        "logo_uri": "https://opencode.ai/web-app-manifest-512x512.png",
        "application_type": "native", "response_types": ["code"],
        "redirect_uris": ["http://127.0.0.1/callback", "http://localhost/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["none"],
    },
    "Copilot CLI": {
        "client_name": "GitHub Copilot CLI", "application_type": "native",
        "redirect_uris": ["http://127.0.0.1:33418/"],
    },
    "goose": {
        "client_name": "goose", "redirect_uris": [
            "http://127.0.0.1/oauth_callback", "http://[::1]/oauth_callback",
        ],
    },
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_133_the_documents_of_real_clients_are_accepted(deployment, publisher, name):
    document = REAL[name]
    client_id = publisher.publish("/oauth/client-metadata.json", **document)
    redirect_uri = document["redirect_uris"][0].replace("127.0.0.1/", "127.0.0.1:51234/")
    client = McpClient(deployment, redirect_uri=redirect_uri, client_id=client_id)

    browser = Browser(deployment)
    page = browser.sign_in(browser.get(client.authorize_url(scope="issues:read")))
    assert document["client_name"] in page.text
    assert "code" in response_of(browser.submit(page, 1, decision="approve"))

"""Clients that register with a key of their own: RFC 7591 §2, RFC 7523 §2.2"""

import json

import pytest
from joserfc.jwk import ECKey

from tests.actors import LOOPBACK, RESOURCE, Deployment, McpClient
from tests.exchanging import form
from tests.publishing import Publisher, resolve
from tests.upstream.jose import new_key, sign

GOOD = new_key("one").as_dict(private=False)
USELESS = ECKey.generate_key("P-521").as_dict(private=False)
MACHINE = """
[clients.nightly]
grant_types = ["client_credentials"]
targets = ["issues"]
scopes = ["issues:read"]
"""
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture
def key():
    return new_key("one")


def register(deployment, **members):
    body = {
        "redirect_uris": [LOOPBACK],
        "client_name": "Keyed",
        "token_endpoint_auth_method": "private_key_jwt",
        **members,
    }
    return deployment.http().post("/register", json=body)


def prove(client, key, code, jti, **changes):
    now = client.deployment.clock.now
    claims = {
        "iss": client.client_id, "sub": client.client_id, "aud": client.deployment.issuer,
        "exp": now + 60, "iat": now, "jti": jti, **changes,
    }  # fmt: skip
    assertion = sign({"alg": "ES256", "kid": key.kid}, json.dumps(claims).encode(), key)
    proof = {"client_assertion_type": ASSERTION, "client_assertion": assertion}
    return form(client.deployment, "/token", client.code_params(code, **proof))


@pytest.mark.spec("RFC 7591", "3.2.1")
def test_a_client_registers_its_keys_and_proves_itself_with_them(deployment, key):
    jwks = {"keys": [key.as_dict(private=False)]}
    answer = register(deployment, jwks=jwks, token_endpoint_auth_signing_alg="ES256")

    assert answer.status_code == 201
    assert answer.json["jwks"] == jwks
    assert answer.json["token_endpoint_auth_method"] == "private_key_jwt"
    assert answer.json["token_endpoint_auth_signing_alg"] == "ES256"
    assert "client_secret" not in answer.json
    client = McpClient(deployment, client_id=answer.json["client_id"])
    code = client.code()
    for refused in (
        client.redeem(code),
        prove(client, new_key("one"), code, "a"),
        prove(client, key, code, "b", aud=f"{deployment.issuer}/token"),
    ):
        assert refused.json["error"] == "invalid_client"
    assert prove(client, key, code, "c").status_code == 200
    assert prove(client, key, client.code(), "c").json["error"] == "invalid_client"


def test_its_keys_may_be_at_a_url(sqlite_url, idp, tmp_path, monkeypatch, key):
    resolve(monkeypatch, lambda _: ["127.0.0.1"])
    with (
        Publisher(tmp_path) as publisher,
        Deployment.start(tmp_path, sqlite_url, idp, more=publisher.settings()) as deployment,
    ):
        publisher.documents["/jwks.json"] = {"keys": [key.as_dict(private=False)]}
        answer = register(deployment, jwks_uri=publisher.url("/jwks.json"))
        assert answer.json["jwks_uri"] == publisher.url("/jwks.json")
        assert publisher.asked == []
        client = McpClient(deployment, client_id=answer.json["client_id"])
        assert prove(client, key, client.code(), "a").status_code == 200
        assert prove(client, key, client.code(), "b").status_code == 200
        assert publisher.asked == ["/jwks.json"]


def test_a_url_that_lies_inside_is_not_fetched(deployment, key, monkeypatch):
    asked = resolve(monkeypatch, lambda _: ["127.0.0.1"])
    answer = register(deployment, jwks_uri="https://inner.example/jwks.json")
    client = McpClient(deployment, client_id=answer.json["client_id"])
    refused = prove(client, key, client.code(), "a")
    assert (refused.status_code, refused.json["error"]) == (503, "temporarily_unavailable")
    assert asked == ["inner.example"]


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"jwks": {"keys": [{"kty": "EC", "crv": "P-256", "x": "x", "y": "y"}]}},
        {"jwks": {"keys": [{"kty": "unknown"}]}},
        {"jwks": {"keys": [USELESS]}},
        {"jwks": {"keys": [GOOD]}, "token_endpoint_auth_signing_alg": "RS256"},
        {"jwks_uri": "http://a.example/jwks.json"},
    ],
    ids=range(6),
)
def test_keys_that_cannot_be_used_are_refused_when_it_registers(deployment, members):
    answer = register(deployment, **members)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_client_metadata")


def test_where_nothing_is_fetched_keys_have_to_be_in_the_registration(
    sqlite_url, idp, tmp_path, key
):
    more = "[client_documents]\nenabled = false\n"
    with Deployment.start(tmp_path, sqlite_url, idp, more=more) as deployment:
        refused = register(deployment, jwks_uri="https://a.example/jwks.json")
        assert refused.json["error"] == "invalid_client_metadata"
        answer = register(deployment, jwks={"keys": [key.as_dict(private=False)]})
        client = McpClient(deployment, client_id=answer.json["client_id"])
        assert prove(client, key, client.code(), "a").status_code == 200


@pytest.mark.spec("CIMD draft-01", "6.8")
@pytest.mark.parametrize("rule", ['denied_domains = ["example"]', 'allowed_domains = ["a.test"]'])
def test_136_keys_lie_where_clients_may_be_published_or_the_client_is_not_registered(
    sqlite_url, idp, tmp_path, monkeypatch, key, rule
):
    asked = resolve(monkeypatch, lambda _: ["127.0.0.1"])
    with (
        Publisher(tmp_path) as publisher,
        Deployment.start(tmp_path, sqlite_url, idp, more=publisher.settings()) as deployment,
    ):
        publisher.documents["/jwks.json"] = {"keys": [key.as_dict(private=False)]}
        earlier = register(deployment, jwks_uri=publisher.url("/jwks.json")).json["client_id"]
        more = publisher.settings(f"{rule}\n")
        with Deployment.start(tmp_path, sqlite_url, idp, more=more) as stricter:
            refused = register(stricter, jwks_uri=publisher.url("/jwks.json"))
            assert (refused.status_code, refused.json["error"]) == (400, "invalid_client_metadata")
            client = McpClient(stricter, client_id=earlier)
            assert prove(client, key, client.code(), "a").json["error"] == "invalid_client"
    assert asked == []


def test_keys_of_a_configured_client_are_fetched_where_documents_are_off(
    sqlite_url, idp, tmp_path, monkeypatch, key
):
    resolve(monkeypatch, lambda _: ["127.0.0.1"])
    with Publisher(tmp_path) as publisher:
        publisher.documents["/jwks.json"] = {"keys": [key.as_dict(private=False)]}
        more = publisher.settings('enabled = false\ndenied_domains = ["example"]\n') + MACHINE
        more += f'jwks_uri = "{publisher.url("/jwks.json")}"\n'
        with Deployment.start(tmp_path, sqlite_url, idp, more=more) as deployment:
            now = deployment.clock.now
            claims = {
                "iss": "nightly", "sub": "nightly", "aud": deployment.issuer,
                "exp": now + 60, "jti": "a",
            }  # fmt: skip
            assertion = sign({"alg": "ES256", "kid": "one"}, json.dumps(claims).encode(), key)
            params = {
                "grant_type": "client_credentials", "resource": RESOURCE,
                "client_assertion_type": ASSERTION, "client_assertion": assertion,
            }  # fmt: skip
            assert form(deployment, "/token", params).status_code == 200

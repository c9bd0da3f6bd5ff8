"""What MCP clients check before they register: docs/expectations.md, TB-1 to TB-3, TB-9, TB-11"""

import json

import pytest

from authserver.resource_server import ResourceServer
from tests.actors import ISSUER, RESOURCE, Browser, Deployment, McpClient, claims_of, response_of

METADATA = "/.well-known/oauth-authorization-server"
PLAIN_PATHS = ("/token", "/register", "/userinfo", "/jwks.json", "/health", METADATA)


def classify(document):
    """Decide as Thunderbolt does what a server can do for a client that nobody registered."""
    documents = document.get("client_id_metadata_document_supported") is True
    return "authorizable" if "registration_endpoint" in document or documents else "token-only"


@pytest.mark.spec("RFC 9207", "2.4")
@pytest.mark.parametrize("issuer", [ISSUER, f"{ISSUER}/tenant/a"])
def test_the_issuer_is_byte_for_byte_the_same_wherever_it_is_written(
    issuer, sqlite_url, idp, tmp_path
):
    with Deployment.start(tmp_path, sqlite_url, idp, issuer=issuer) as deployment:
        client = McpClient(deployment).register()
        answer = response_of(Browser(deployment).approve(client.authorize_url()))
        tokens = client.redeem(answer["code"]).json
        path = issuer.removeprefix(ISSUER)
        metadata = deployment.http().get(METADATA + path).json
        ours = deployment.http().get(f"{path}/.well-known/oauth-protected-resource/issues").json

    kits = json.loads(ResourceServer(issuer=issuer, resource=RESOURCE).metadata.body)
    assert {
        metadata["issuer"],
        answer["iss"],
        claims_of(tokens["access_token"])["iss"],
        *ours["authorization_servers"],
        *kits["authorization_servers"],
    } == {issuer}


def test_a_server_that_registers_clients_offers_it_and_another_promises_nothing(
    deployment, sqlite_url, idp, tmp_path
):
    """Where the metadata offers no way in, a client does not show its button."""
    folder = tmp_path / "closed"
    folder.mkdir()
    closed = "\n[registration]\nenabled = false\n[client_documents]\nenabled = false\n"
    with Deployment.start(folder, sqlite_url, idp, more=closed) as other:
        document = other.http().get(METADATA).json

    assert classify(deployment.http().get(METADATA).json) == "authorizable"
    assert classify(document) == "token-only"
    assert not [name for name in document if "registration" in name or "client_id_meta" in name]


def test_what_a_resource_asks_for_can_be_registered_and_requested_in_one_string(deployment):
    """Clients send the resource's whole scopes_supported, joined, at both endpoints."""
    http = deployment.http()
    wanted = http.get("/.well-known/oauth-protected-resource/issues").json["scopes_supported"]
    client = McpClient(deployment, metadata={"scope": " ".join(wanted)}).register()

    assert set(wanted) <= set(http.get(METADATA).json["scopes_supported"])
    assert client.connect(scope=" ".join(wanted))["scope"].split() == wanted


@pytest.mark.parametrize(
    ("scope", "granted"),
    [
        (None, "issues:read issues:write"),
        ("issues:read nonsense admin", "issues:read"),
        ("nonsense", "issues:read issues:write"),
    ],
)
def test_an_unknown_or_missing_scope_never_ends_in_an_empty_token(client, scope, granted):
    tokens = client.connect(scope=scope)

    assert tokens["scope"] == claims_of(tokens["access_token"])["scope"] == granted


def test_no_machine_endpoint_redirects_however_its_address_is_spelled(deployment):
    """Clients do not follow redirects there, least of all with a body that holds secrets."""
    spellings = [
        spelling
        for path in PLAIN_PATHS
        for spelling in (path, f"{path}/", f"{path}//", f"{path}/.", path.upper(), f"{path}?a=b")
    ]
    for spelling in spellings:
        for method in ("GET", "POST", "OPTIONS", "HEAD"):
            answer = deployment.http().open(spelling, method=method)
            assert not 300 <= answer.status_code < 400, (method, spelling)
            assert answer.status_code < 500, (method, spelling)

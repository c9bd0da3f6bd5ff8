import json

import pytest

from authserver.oauth import client_document, command_line
from authserver.oauth.client import RegistrationPolicy
from authserver.oauth.redirect_uri import match

ISSUERS = ["https://auth.example", "https://auth.example/tenant/a", "http://localhost:9100"]


@pytest.mark.parametrize("issuer", ISSUERS)
def test_the_document_describes_the_client_by_the_rules_for_any_document(issuer):
    client_id = command_line.client_id(issuer)
    body = json.dumps(command_line.document(issuer)).encode()
    assert client_document.parse(body, client_id, RegistrationPolicy()) == command_line.client(
        issuer
    )


def test_it_says_only_what_is_true():
    client = command_line.client(ISSUERS[0])
    assert client.client_id == "https://auth.example/.well-known/oauth-client/cli.json"
    assert client.grant_types == ("authorization_code",)
    assert client.token_endpoint_auth_method == "none"
    assert match(client.redirect_uris, "http://127.0.0.1:49152/callback")
    assert not match(client.redirect_uris, "http://localhost:49152/callback")
    assert not match(client.redirect_uris, "https://127.0.0.1:49152/callback")

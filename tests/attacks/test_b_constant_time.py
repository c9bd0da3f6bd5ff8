"""Case 40: secrets are compared in constant time, and in no other way"""

import ast
import hmac
from pathlib import Path

import pytest

from authserver.oauth import client_auth, pkce, refresh_token
from authserver.oauth.client import Client, secret_digest
from authserver.oauth.client_auth import Credentials
from authserver.oauth.errors import OAuthError
from tests.actors import VERIFIER

MODULES = (pkce, client_auth, refresh_token)
SECRETS = {
    "challenge", "client_secret", "code_challenge", "code_verifier", "compared", "expected",
    "mac", "_mac", "raw_secret", "secret", "secret_digest", "secrets",
}  # fmt: skip


def _names(node):
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield each.id
        elif isinstance(each, ast.Attribute):
            yield each.attr


def plain_comparisons(source):
    """Return the lines that compare what is secret with ==, != or in (`is None` tells nothing)."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Compare)
        and not all(isinstance(each, ast.Is | ast.IsNot) for each in node.ops)
        and SECRETS.intersection(_names(node))
    ]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_040_secrets_are_compared_by_compare_digest_only(module):
    source = Path(module.__file__).read_text()

    assert "hmac.compare_digest(" in source
    assert plain_comparisons(source) == []


@pytest.mark.parametrize(
    "line",
    [
        "challenge(code_verifier) == code_challenge",
        "secret_digest(each) != client.secret_digest",
        "credentials.secrets[0] in (a, b)",
        "mac == _mac(key, grant, generation)",
    ],
)
def test_040_a_plain_comparison_would_be_seen(line):
    assert plain_comparisons(f"found = {line}") == [1]


@pytest.fixture
def compared(monkeypatch):
    seen = []

    def record(left, right):
        seen.append((left, right))
        return left == right

    monkeypatch.setattr(hmac, "compare_digest", record)
    return seen


def test_040_a_verifier_of_any_form_is_compared(compared):
    pkce.check_verifier(VERIFIER, pkce.challenge(VERIFIER))
    for verifier in ("w" * 43, "short", "é" * 43):
        with pytest.raises(OAuthError, match="invalid_grant"):
            pkce.check_verifier(verifier, pkce.challenge(VERIFIER))

    assert len(compared) == 4


@pytest.mark.parametrize(
    "client",
    [
        None,
        Client("c", (), token_endpoint_auth_method="none"),
        Client("c", (), token_endpoint_auth_method="client_secret_post", secret_digest="0" * 64),
    ],
    ids=["unknown", "public", "wrong secret"],
)
def test_040_a_secret_is_compared_also_where_there_is_none(compared, client):
    credentials = Credentials("c", "client_secret_post", ("guess",))

    with pytest.raises(OAuthError, match="invalid_client"):
        client_auth.check(client, credentials, "https://auth.example", 0)

    assert [left for left, _ in compared] == [secret_digest("guess")]

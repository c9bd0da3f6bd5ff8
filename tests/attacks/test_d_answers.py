"""Cases 67-69: what an answer of /token carries, and what it never says"""

import ast
import json
import logging
import re
from pathlib import Path

import pytest

import authserver
from tests.actors import VERIFIER, Deployment, McpClient

# RFC 6749 §5.2: %x20-21 / %x23-5B / %x5D-7E
PERMITTED = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+\Z")
CANARY = 'canary"\\\r\nSet-Cookie: a=b é <script>'


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


def answers(client):
    """Return answers of every kind: tokens, a registration, userinfo, and refusals of each."""
    http = client.deployment.http()
    tokens = client.connect(scope="openid issues:read")
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    return {
        "tokens": client.redeem(client.code()),
        "refreshed": client.refresh(tokens["refresh_token"]),
        "invalid grant": client.redeem(CANARY),
        "invalid request": http.post("/token", data=b"\0"),
        "invalid client": client.redeem("x", client_id=CANARY),
        "method": http.get("/token"),
        "type": http.post("/token", json={}),
        "size": http.post("/token", data={"x": "x" * 70_000}),
        "registered": http.post("/register", json={"redirect_uris": ["http://127.0.0.1/"]}),
        "not registered": http.post("/register", json={"redirect_uris": [CANARY]}),
        "no JSON": http.post("/register", data=b"{", content_type="application/json"),
        "userinfo": http.get("/userinfo", headers=bearer),
        "no userinfo": http.get("/userinfo"),
    }


@pytest.mark.spec("OAuth 2.1", "3.2.3")
def test_067_every_answer_is_json_that_nobody_stores_or_sniffs(client):
    for kind, answer in answers(client).items():
        assert answer.headers["Cache-Control"] == "no-store", kind
        assert answer.headers["Pragma"] == "no-cache", kind
        assert answer.headers["Content-Type"] == "application/json", kind
        assert answer.headers["X-Content-Type-Options"] == "nosniff", kind
        assert "Set-Cookie" not in answer.headers, kind
        assert None not in answer.json.values(), kind


@pytest.mark.spec("OAuth 2.1", "3.2.4")
def test_068_a_description_has_only_permitted_characters_and_nothing_that_was_sent(client):
    names = [
        "grant_type",
        "code",
        "redirect_uri",
        "client_id",
        "scope",
        "resource",
        "client_secret",
    ]
    refused = [client.token({**client.code_params("x"), name: CANARY}) for name in names]
    refused += [answer for answer in answers(client).values() if answer.status_code >= 400]

    for answer in refused:
        assert set(answer.json) == {"error", "error_description"}
        assert PERMITTED.match(answer.json["error"])
        assert PERMITTED.match(answer.json["error_description"])
        assert "canary" not in f"{answer.data!r} {answer.headers}"


# What a description may be filled with: names and numbers of ours, never a value that was sent.
FILLED = {
    "index",
    "name",
    "role",
    "why",
    "limit",
    "MAX_STATE",
    "error.description",
    "_MEDIA_TYPE[endpoint.body]",
}
DESCRIBED = {"OAuthError": 1, "_bad": 0}


def descriptions():
    """Yield the description of every error in the sources, as a node of the syntax tree."""
    for path in Path(authserver.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                place = DESCRIBED.get(node.func.id)
                if place is not None and len(node.args) > place:
                    yield path.name, node.args[place]


def test_068_every_description_is_a_fixed_sentence():
    found = list(descriptions())
    assert len(found) > 20

    for name, node in found:
        for part in ast.walk(node):
            if isinstance(part, ast.Constant):
                assert PERMITTED.match(str(part.value)), (name, part.value)
            elif isinstance(part, ast.FormattedValue):
                assert ast.unparse(part.value) in FILLED, name
            assert not isinstance(part, ast.BinOp | ast.Call), (name, ast.unparse(part))


@pytest.mark.spec("OAuth 2.1", "3.2.4")
@pytest.mark.parametrize(
    "grant_type",
    [
        "password", "implicit", "client_credentials", "AUTHORIZATION_CODE", "authorization_code ",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:device_code", "__class__", "x" * 9000,
    ],
)  # fmt: skip
def test_069_an_unknown_grant_type_is_unsupported(client, grant_type):
    answer = client.redeem(client.code(), grant_type=grant_type)

    assert (answer.status_code, answer.json["error"]) == (400, "unsupported_grant_type")


def test_069_a_missing_grant_type_is_an_invalid_request(client):
    assert client.redeem("x", grant_type=None).json["error"] == "invalid_request"
    assert client.redeem("x", grant_type="").json["error"] == "invalid_request"


@pytest.mark.spec("OAuth 2.1", "3.2.4")
def test_069_a_grant_type_that_the_client_did_not_register_is_not_for_it(deployment):
    client = McpClient(deployment, metadata={"grant_types": ["authorization_code"]}).register()

    assert "refresh_token" not in client.connect()
    answer = client.refresh("x")

    assert answer.status_code == 400
    assert b'"unauthorized_client"' in answer.data


@pytest.fixture
def talkative(caplog, sqlite_url, idp, tmp_path):
    """A client of a server that was built with every logger at DEBUG: libraries ask only once."""
    names = ("", "authserver", "authlib", "sqlalchemy", "sqlalchemy.engine", "urllib3", "werkzeug")
    for name in names:
        caplog.set_level(logging.DEBUG, logger=name)
    deployment = Deployment.start(tmp_path, sqlite_url, idp)
    metadata = {"token_endpoint_auth_method": "client_secret_post"}
    return McpClient(deployment, metadata=metadata).register()


@pytest.mark.spec("RFC 9700", "4.2.4")
def test_no_log_at_any_level_holds_a_secret(talkative, caplog):
    client, deployment = talkative, talkative.deployment
    code = client.code(scope="openid issues:read")
    tokens = client.redeem(code).json
    rotated = client.refresh(tokens["refresh_token"]).json
    deployment.wait(100)
    client.redeem(code)
    client.refresh(tokens["refresh_token"])
    client.redeem("canary-code", code_verifier="canary-verifier" * 3)
    secrets = [code, VERIFIER, client.client_secret, "canary", tokens["id_token"]]
    secrets += [each[n] for each in (tokens, rotated) for n in ("access_token", "refresh_token")]

    logged = caplog.text + json.dumps(deployment.events)

    assert "INSERT INTO codes" in logged
    assert [secret for secret in secrets if secret in logged] == []

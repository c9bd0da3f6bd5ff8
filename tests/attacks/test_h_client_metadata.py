"""Cases 112 to 118: what a client asks for, and what it gets"""

import pytest

from tests.actors import McpClient
from tests.attacks.visiting import count
from tests.upstream.jose import new_key

URI = "https://app.example/cb"
KEY = new_key()


def _register(deployment, document=None, /, headers=None, **members):
    body = {"redirect_uris": [URI], **members} if document is None else document
    return deployment.http().post("/register", json=body, headers=headers)


def _is_refused(answer, error="invalid_client_metadata"):
    return (answer.status_code, answer.json["error"]) == (400, error)


@pytest.mark.spec("RFC 7591", "2")
@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("issues:read", "issues:read"),
        ("issues:read admin wiki:read *", "issues:read wiki:read"),
        ("openid offline_access issues:write", "openid offline_access issues:write"),
    ],
)
def test_112_scopes_beyond_what_is_offered_are_left_out_and_said(deployment, asked, kept):
    answer = _register(deployment, scope=asked)

    assert set(answer.json["scope"].split()) == set(kept.split())


def test_112_scopes_that_are_all_unknown_are_as_none_and_grant_nothing_more(deployment):
    client = McpClient(deployment, metadata={"scope": "mcp:everything admin"}).register()

    tokens = client.connect(scope="mcp:everything admin issues:read")

    assert tokens["scope"] == "issues:read"


@pytest.mark.spec("RFC 7591", "2")
def test_112_what_a_client_registered_is_its_maximum(deployment):
    client = McpClient(deployment, metadata={"scope": "issues:read"}).register()

    assert client.connect(scope="issues:read issues:write")["scope"] == "issues:read"
    assert client.connect(scope=None)["scope"] == "issues:read"


@pytest.mark.spec("RFC 7591", "2")
@pytest.mark.parametrize(
    "grant",
    ["client_credentials", "password", "implicit",
     "urn:ietf:params:oauth:grant-type:jwt-bearer",
     "urn:ietf:params:oauth:grant-type:device_code",
     "urn:ietf:params:oauth:grant-type:token-exchange"],
)  # fmt: skip
def test_112_grants_that_are_not_offered_are_left_out_or_refused_and_never_work(deployment, grant):
    alone = _register(deployment, grant_types=[grant])
    client = McpClient(deployment, metadata={"grant_types": ["authorization_code", grant]})
    mixed = _register(deployment, grant_types=["authorization_code", grant])

    assert _is_refused(alone)
    assert mixed.json["grant_types"] == ["authorization_code"], "the answer says what remains"
    client.register()
    answer = client.token({"grant_type": grant, "client_id": client.client_id, "scope": "x"})
    assert answer.json["error"] in ("unsupported_grant_type", "unauthorized_client")


def test_112_a_client_without_the_refresh_grant_gets_no_refresh_token(deployment):
    client = McpClient(deployment, metadata={"grant_types": ["authorization_code"]}).register()

    tokens = client.connect(scope="issues:read offline_access")

    assert "refresh_token" not in tokens
    answer = client.refresh("mcpas_rt_x")
    assert answer.json["error"] == "unauthorized_client"


@pytest.mark.parametrize(
    ("response_types", "status"),
    [(["code"], 201), (["code", "token"], 201), (["token"], 400), (["id_token", "none"], 400)],
)
def test_112_only_codes_are_answered_with(deployment, response_types, status):
    answer = _register(deployment, response_types=response_types)

    assert answer.status_code == status
    if status == 201:
        assert answer.json["response_types"] == ["code"]


@pytest.mark.spec("RFC 7591", "3.2.1")
@pytest.mark.parametrize("method", ["none", "client_secret_basic"])
def test_113_a_client_names_neither_its_id_nor_its_secret_nor_its_end(deployment, method):
    own = {
        "client_id": "usr-1", "client_secret": "my-own", "client_secret_expires_at": 1,
        "client_id_issued_at": 1, "registration_access_token": "mine", "preregistered": True,
        "registration_client_uri": "https://evil.example/", "secret_digest": "0" * 64,
        "registered_at": 4_000_000_000,
    }  # fmt: skip

    answer = _register(deployment, **own, token_endpoint_auth_method=method).json

    assert answer["client_id"].startswith("mcp-")
    assert answer["client_id_issued_at"] == deployment.clock.now
    assert ("client_secret" in answer) == (method != "none")
    assert answer.get("client_secret", "").startswith("mcpas_cs_" if method != "none" else "")
    assert answer.get("client_secret_expires_at", 0) == 0
    assert not {"registration_access_token", "registration_client_uri"} & set(answer)
    assert not {"preregistered", "secret_digest", "registered_at"} & set(answer)
    with deployment.server.store.read() as reads:
        stored = reads.client(answer["client_id"])
    assert not stored.preregistered
    assert stored.registered_at == deployment.clock.now


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
def test_there_is_no_management_to_get_wrong(deployment, method):
    client = McpClient(deployment).register()

    answer = deployment.http().open(
        f"/register/{client.client_id}", method=method, json={},
        headers={"Authorization": "Bearer x"},
    )  # fmt: skip

    assert answer.status_code == 404
    assert count(deployment, "clients") == 1


@pytest.mark.spec("RFC 7591", "3")
@pytest.mark.parametrize(
    "token", ["Bearer x", "Bearer ", "Basic eDp5", "x", "", "DPoP x", "Bearer é"]
)
def test_115_a_registration_with_a_token_that_nobody_issued_is_not_anonymous(deployment, token):
    answer = _register(deployment, headers={"Authorization": token})

    assert (answer.status_code, answer.json["error"]) == (401, "invalid_token")
    assert count(deployment, "clients") == 0


@pytest.mark.spec("RFC 7591", "2")
@pytest.mark.parametrize(
    "members",
    [
        {"jwks": {"keys": [KEY.as_dict(private=True)]}},
        {"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}},
        {"jwks": {"keys": [KEY.as_dict(private=False), {"kty": "RSA", "d": "x"}]}},
        {"jwks": {"keys": [{"kty": "RSA", "p": "x"}]}},
        {"jwks": {"keys": [KEY.as_dict(private=False)]}, "jwks_uri": "https://a.example/jwks"},
        {"jwks": {"keys": []}, "jwks_uri": "https://a.example/jwks"},
        {"jwks": {"keys": {}}},
        {"jwks": {}},
        {"jwks": "x"},
        {"jwks": [KEY.as_dict(private=False)]},
        {"jwks": {"keys": ["x"]}},
    ],
)
def test_116_private_keys_and_two_sources_of_keys_are_refused(deployment, members):
    assert _is_refused(_register(deployment, **members))
    assert count(deployment, "clients") == 0


def test_116_a_method_that_needs_a_key_is_refused_without_and_others_always(deployment):
    jwks = {"keys": [KEY.as_dict(private=False)]}
    assert _is_refused(_register(deployment, token_endpoint_auth_method="private_key_jwt"))
    for method in ("client_secret_jwt", "tls_client_auth", "NONE", "x"):
        assert _is_refused(_register(deployment, jwks=jwks, token_endpoint_auth_method=method))


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:6274"])
@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
def test_117_any_origin_may_register_and_none_with_credentials(deployment, origin, method):
    answer = deployment.http().open(
        "/register", method=method, json={"redirect_uris": [URI]}, headers={"Origin": origin}
    )

    assert answer.status_code in (201, 204)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Set-Cookie" not in answer.headers


@pytest.mark.spec("RFC 7591", "3.2.1")
@pytest.mark.parametrize("application_type", [None, "web", "native", "desktop", "x" * 200])
def test_118_unknown_members_are_ignored_and_the_answer_says_what_was_stored(
    deployment, application_type
):
    answer = _register(
        deployment, application_type=application_type, contacts=["a@b.example"],
        unheard_of={"x": [1]}, software_statement="x.y.z", id_token_signed_response_alg="none",
        **{"client_name#de": "Programm"},
    )  # fmt: skip

    assert answer.status_code == 201
    assert answer.json.get("application_type") == (
        application_type if application_type in ("web", "native") else None
    )
    known = {"client_id", "client_id_issued_at", "redirect_uris", "token_endpoint_auth_method",
             "grant_types", "response_types", "scope", "application_type"}  # fmt: skip
    assert set(answer.json) <= known
    assert answer.json["token_endpoint_auth_method"] == "none"
    assert answer.headers["Cache-Control"] == "no-store"


def test_118_a_web_client_with_a_loopback_uri_and_the_reverse_are_both_registered(deployment):
    for kind, uri in (("web", "http://localhost:1/cb"), ("native", URI), (None, "cursor://x/cb")):
        answer = _register(deployment, {"redirect_uris": [uri], "application_type": kind})
        assert answer.json["redirect_uris"] == [uri]

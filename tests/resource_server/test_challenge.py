import json
from typing import Any

import pytest

from authserver.oauth.errors import OAuthError
from authserver.oauth.resource import Scope
from authserver.resource_server import AccessToken, ResourceServer, credentials
from authserver.resource_server.credentials import Credentials
from tests.resource_server.issuer import NOW, RESOURCE

METADATA = "https://issues.example.com/.well-known/oauth-protected-resource/mcp"
WHERE = f'resource_metadata="{METADATA}"'
ALL = 'scope="issues:read issues:write"'
MORE = 'scope="issues:read issues:write admin"'
REFUSED = OAuthError


@pytest.mark.spec("RFC 6750", "2.1")
@pytest.mark.parametrize(("values", "expected"), [
    ([], None),
    ([""], None),
    (["  "], None),
    (["Bearer abc"], "abc"),
    (["bearer abc"], "abc"),
    (["BEARER abc"], "abc"),
    (["Bearer  abc"], "abc"),
    (["Bearer    abc  "], "abc"),
    (["Bearer a-._~+/b=="], "a-._~+/b=="),
    (["", "Bearer abc"], "abc"),
    (["abc"], REFUSED),
    (["eyJhbGciOiJFUzI1NiJ9.e30.AA"], REFUSED),
    (["Bearer"], REFUSED),
    (["Bearer "], REFUSED),
    (["Bearer\tabc"], REFUSED),
    (["Bearer a b"], REFUSED),
    (["Bearer a,b"], REFUSED),
    (["Bearer =abc"], REFUSED),
    (['Bearer "abc"'], REFUSED),
    (["Bearer token=abc"], REFUSED),
    (["Bearer ab\u00e9"], REFUSED),
    (["Bearer abc\n"], REFUSED),
    (["Bearer: abc"], REFUSED),
    (["Bearer abc", "Bearer abc"], REFUSED),
    (["Basic YTpi", "Bearer abc"], REFUSED),
    (["Bearer abc,Bearer abc"], REFUSED),
    (["Bearer abc, Bearer def"], REFUSED),
    (["Basic YTpi, bearer abc"], REFUSED),
    (["Basic YTpi"], None),
    (["DPoP abc, Bearer abc"], REFUSED),
    (["Bearer abc, DPoP abc"], REFUSED),
    (['Digest username="x", realm="y"'], None),
    (["Bearerabc def"], None),
])  # fmt: skip
def test_every_form_of_the_authorization_header_has_one_answer(values, expected):
    if expected is REFUSED:
        with pytest.raises(OAuthError) as refused:
            credentials.read(values)
        assert (refused.value.code, refused.value.status) == ("invalid_request", 400)
    else:
        found = credentials.read(values)
        assert found == (None if expected is None else Credentials(expected, is_bound=False))


def answer(guard, *authorization, scopes=()):
    result = guard.admit(authorization, scopes)
    headers = dict(result.headers)
    assert len(headers) == len(result.headers)
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Access-Control-Expose-Headers"] == "WWW-Authenticate, DPoP-Nonce"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Length"] == str(len(result.body))
    body = json.loads(result.body) if result.body else None
    return result.status, headers.get("WWW-Authenticate"), body


@pytest.mark.spec("RFC 6750", "3.1")
@pytest.mark.parametrize("authorization", [(), ("Basic YTpi",)])
def test_a_request_without_a_token_is_challenged_without_an_error(issuer, authorization):
    assert answer(issuer.guard(), *authorization) == (
        401,
        f"Bearer {WHERE}, {ALL}",
        None,
    )


@pytest.mark.spec("RFC 6750", "3.1")
def test_a_bad_token_is_challenged_with_the_reason(issuer):
    description = "The access token was issued for another resource."
    token = issuer.token(aud="https://issues.example.com/other")
    assert answer(issuer.guard(), f"Bearer {token}") == (
        401,
        f'Bearer error="invalid_token", error_description="{description}", {WHERE}, {ALL}',
        {"error": "invalid_token", "error_description": description},
    )


@pytest.mark.spec("RFC 6750", "3.1")
def test_insufficient_scope_names_all_scopes_of_the_operation(issuer):
    description = "The access token does not have the scope that this request needs."
    guard = issuer.guard(required_scopes=["issues:read"])
    assert answer(guard, f"Bearer {issuer.token()}", scopes=["issues:write", "admin"]) == (
        403,
        f'Bearer error="insufficient_scope", error_description="{description}", {WHERE}, {MORE}',
        {"error": "insufficient_scope", "error_description": description},
    )


def test_a_raw_token_is_an_invalid_request(issuer):
    description = "The Authorization header is not 'Bearer <token>'."
    assert answer(issuer.guard(), issuer.token()) == (
        400,
        f'Bearer error="invalid_request", error_description="{description}", {WHERE}',
        {"error": "invalid_request", "error_description": description},
    )


def test_an_issuer_that_is_down_is_not_the_fault_of_the_token(issuer):
    issuer.answers.clear()
    guard = issuer.guard()
    status, challenge, body = answer(guard, f"Bearer {issuer.token()}")
    assert (status, challenge) == (503, None)
    assert body["error"] == "temporarily_unavailable"
    assert dict(guard.admit(["Bearer e30.e30.e30"]).headers).get("Retry-After") is None
    assert dict(guard.admit([f"Bearer {issuer.token()}"]).headers)["Retry-After"] == "5"


def test_a_good_token_is_admitted(issuer):
    admitted = issuer.guard().admit([f"bearer {issuer.token()}"], ["issues:read"])
    assert isinstance(admitted, AccessToken)
    assert admitted.expires_at == NOW + 900


def test_nothing_of_the_request_is_repeated_in_the_answer(issuer):
    for sent in ("Bearer <secret>", "secretsecret", "Bearer secret.secret.secret", "x secret z"):
        assert "secret" not in repr(issuer.guard().admit([sent]))


@pytest.mark.parametrize(("options", "scope"), [
    ({"scopes": []}, None),
    ({"scopes": ["a", "b"]}, "a b"),
    ({"scopes": ["a", "b"], "challenge_scopes": ["a"]}, "a"),
    ({"scopes": ["a", "b"], "challenge_scopes": []}, None),
    ({"scopes": ["a"], "required_scopes": ["b"], "challenge_scopes": []}, "b"),
    ({"scopes": ["a"], "required_scopes": ["b", "a"]}, "b a"),
    ({"scopes": {"a": "A", "b": Scope("B", sensitive=True)}}, "a"),
])  # fmt: skip
def test_the_challenge_asks_for_the_scopes_a_client_should_request(issuer, options, scope):
    _, challenge, _ = answer(issuer.guard(**options))
    expected = f"Bearer {WHERE}"
    assert challenge == (expected if scope is None else f'{expected}, scope="{scope}"')


@pytest.mark.parametrize("options", [
    {"scopes": ["a b"]},
    {"scopes": ['a"']},
    {"scopes": [""]},
    {"scopes": ["offline_access"]},
    {"required_scopes": ["offline_access"]},
    {"challenge_scopes": ["a\\"]},
    {"issuer": "http://auth.example.com"},
    {"resource": "http://issues.example.com/mcp"},
    {"resource": "https://issues.example.com/mcp#x"},
    {"resource": 'https://issues.example.com/m"cp'},
    {"resource": "mcp"},
])  # fmt: skip
def test_a_mistake_in_the_configuration_is_found_at_once(options):
    good: dict[str, Any] = {"issuer": "https://auth.example.com", "resource": RESOURCE}
    with pytest.raises(ValueError, match=r"must be|scope"):
        ResourceServer(**good | options)


@pytest.mark.parametrize("name", ["scopes", "required_scopes", "challenge_scopes"])
def test_scopes_are_a_list_of_names(name):
    options: dict[str, Any] = {name: "a b"}
    with pytest.raises(TypeError, match="list"):
        ResourceServer(issuer="https://auth.example.com", resource=RESOURCE, **options)


def test_a_verifier_for_something_else_is_refused(issuer):
    with pytest.raises(ValueError, match="another"):
        ResourceServer(issuer=issuer.url, resource=f"{RESOURCE}/other", verifier=issuer.verifier())

"""What the walk-through holds against each answer: one wrong answer per rule."""

import base64
import io
import json

import anyio
import httpx2
import pytest

from authserver.demo.story import Story
from authserver.demo.wire import TITLES, Wire, shown

MCP = "http://127.0.0.1:9101/mcp"
ISSUER = "http://127.0.0.1:9100"
RESOURCE = {"resource": MCP, "authorization_servers": [ISSUER], "scopes_supported": ["issues:read"]}
SERVER = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "registration_endpoint": f"{ISSUER}/register",
    "code_challenge_methods_supported": ["S256"],
}
CLIENT = {"client_id": "c1", "token_endpoint_auth_method": "none"}
METADATA = "http://127.0.0.1:9101/.well-known/oauth-protected-resource/mcp"
CHALLENGE = f'Bearer resource_metadata="{METADATA}"'
ASKED = '{"client_name":"n","redirect_uris":[]}'
CODE, REFRESH = "grant_type=authorization_code&code=c", "grant_type=refresh_token&refresh_token=r"


def jwt(typ: str = "at+jwt", **claims: str) -> str:
    parts = ({"typ": typ}, {"iss": ISSUER, "aud": MCP, "sub": "u"} | claims)
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts)
    return ".".join([*(part.rstrip("=") for part in encoded), "sig"])


def tokens(**changed: object) -> dict[str, object]:
    answer = {
        "access_token": jwt(),
        "token_type": "Bearer",
        "expires_in": 900,
        "scope": "issues:read",
        "refresh_token": "r1",
    } | changed
    return {name: value for name, value in answer.items() if value is not None}


GOOD: dict[str, tuple[str, str, str, int, object]] = {
    "no token": ("POST", MCP, "", 401, None),
    "resource": ("GET", METADATA, "", 200, RESOURCE),
    "server": ("GET", f"{ISSUER}/.well-known/oauth-authorization-server", "", 200, SERVER),
    "register": ("POST", f"{ISSUER}/register", ASKED, 201, CLIENT),
    "code": ("POST", f"{ISSUER}/token", CODE, 200, tokens()),
    "refresh": (
        "POST",
        f"{ISSUER}/token",
        REFRESH,
        200,
        tokens(refresh_token="r2", access_token=jwt(jti="2")),
    ),
}


def hear(wire: Wire, kind: str, *, status: int | None = None, body: object = ..., **headers: str):
    method, url, sent, good_status, good_body = GOOD[kind]
    request = httpx2.Request(method, url, content=sent)
    response = httpx2.Response(
        good_status if status is None else status,
        request=request,
        headers={"WWW-Authenticate": CHALLENGE} | headers if kind == "no token" else headers,
        content=body if isinstance(body, bytes) else json.dumps(good_body if body is ... else body),
    )

    async def exchange() -> None:
        await wire.on_request(request)
        await wire.on_response(response)

    anyio.run(exchange)


def wire_before(kind: str) -> Wire:
    wire = Wire(MCP, Story(io.StringIO()))
    for before in list(TITLES)[: list(TITLES).index(kind)]:
        hear(wire, before)
    assert wire.story.failure is None
    return wire


def test_a_good_walk_is_told_in_order_and_nothing_is_missing():
    wire = wire_before("refresh")
    assert wire.missing() == [TITLES["refresh"]]
    hear(wire, "refresh")
    assert wire.story.failure is None
    assert wire.story.titles == list(TITLES.values())
    assert wire.missing() == []


@pytest.mark.parametrize(
    ("kind", "answer", "why"),
    [
        ("no token", {"status": 200}, "must be answered with 401"),
        ("no token", {"WWW-Authenticate": "Basic"}, "must begin with Bearer"),
        ("no token", {"WWW-Authenticate": 'Bearer scope="x"'}, "must name the resource metadata"),
        ("no token", {"WWW-Authenticate": CHALLENGE + ', error="invalid_token"'}, "is no error"),
        ("resource", {"body": RESOURCE | {"resource": ISSUER}}, "must be the URL we called"),
        ("resource", {"status": 500, "body": "down"}, "must answer 200, not 500"),
        ("resource", {"body": b"<html>"}, "must answer JSON, not: <html>"),
        ("resource", {"body": []}, "must answer a JSON object"),
        ("server", {"body": SERVER | {"issuer": ISSUER + "/"}}, f"issuer must be {ISSUER}"),
        ("server", {"body": SERVER | {"code_challenge_methods_supported": ["plain"]}}, "S256"),
        ("server", {"body": {"issuer": ISSUER}}, "must have authorization_endpoint"),
        ("register", {"status": 400, "body": {"error": "x"}}, "must answer 201, not 400"),
        ("register", {"body": {"client_name": "n"}}, "must have a client_id"),
        ("register", {"body": CLIENT | {"client_secret": "s"}}, "must get no secret"),
        ("code", {"status": 400, "body": {"error": "invalid_grant"}}, "invalid_grant"),
        ("code", {"body": tokens(refresh_token=None)}, "must have a refresh token"),
        ("code", {"body": tokens(token_type="DPoP")}, "must be Bearer"),
        ("code", {"body": tokens(access_token="opaque")}, "must be a JWT"),
        ("code", {"body": tokens(access_token="a.b.c")}, "must be a JWT"),
        ("code", {"body": tokens(access_token=jwt("JWT"))}, "of the type at+jwt"),
        ("code", {"body": tokens(access_token=jwt(aud=ISSUER))}, f"must be for {MCP} only"),
        ("code", {"body": tokens(access_token=jwt(iss=MCP))}, f"must come from {ISSUER}"),
        ("refresh", {"body": tokens(access_token=jwt(jti="2"))}, "a new refresh token"),
        ("refresh", {"body": tokens(refresh_token="r2")}, "the access token must be new"),
    ],
)
def test_a_wrong_answer_fails_at_its_step_with_the_rule(kind, answer, why):
    wire = wire_before(kind)
    hear(wire, kind, **answer)
    failure = wire.story.failure
    assert failure is not None
    assert TITLES[kind] in failure
    assert why in failure


def test_metadata_that_is_not_here_may_be_at_the_next_place():
    wire = wire_before("server")
    hear(wire, "server", status=404, body={"error": "not_found"})
    hear(wire, "server")
    assert wire.story.failure is None
    assert wire.story.titles.count(TITLES["server"]) == 1


def test_what_is_told_never_holds_a_whole_secret():
    wire = Wire(MCP, Story(io.StringIO()))
    secrets = {"code": "c" * 43, "code_verifier": "v" * 43, "refresh_token": "r" * 43}
    for secret in secrets.values():
        assert secret not in shown(secrets)
        assert secret[:12] in shown(secrets)
    assert shown({"scope": "issues:read issues:write"}) == "scope=issues:read issues:write"
    assert "r1" not in repr(wire)

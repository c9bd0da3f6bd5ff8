"""POST /register over HTTP: what real clients send, and what an operator may decide about it"""

import json
from pathlib import Path

import pytest

from tests.actors import LOOPBACK, Browser, Deployment, McpClient, response_of

FOLDER = Path(__file__).parent.parent / "fixtures" / "clients"
BODIES = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
WANTS_A_SECRET = "https://www.perplexity.example/oauth/callback"


@pytest.fixture
def start(sqlite_url, idp, tmp_path):
    """Start a server with tables added to its configuration."""
    started = []

    def _start(more):
        started.append(Deployment.start(tmp_path, sqlite_url, idp, more=more))
        return started[-1]

    yield _start
    for each in started:
        each.__exit__()


def _register(deployment, **members):
    answer = deployment.http().post("/register", json=members)
    return answer.status_code, answer.json


@pytest.mark.parametrize("name", BODIES)
def test_a_real_client_registers_connects_and_refreshes_at_each_of_its_redirect_uris(
    deployment, name
):
    body = BODIES[name]
    for uri in body["redirect_uris"]:
        client = McpClient(deployment, uri, body).register()
        browser = Browser(deployment)

        tokens = client.connect(browser, scope=body.get("scope"))
        again = client.refresh(tokens["refresh_token"])

        assert tokens["scope"]
        assert again.status_code == 200
        assert client.connect(browser)["access_token"], "the same user, once more"


@pytest.mark.spec("RFC 7591", "3.2.1")
@pytest.mark.parametrize("name", BODIES)
def test_a_real_client_is_told_all_its_redirect_uris_and_no_more_than_it_can_read(deployment, name):
    body = BODIES[name]

    status, answer = _register(deployment, **body)

    assert status == 201
    assert answer["redirect_uris"] == body["redirect_uris"]
    assert answer["token_endpoint_auth_method"] == body.get("token_endpoint_auth_method", "none")
    assert ("client_secret" in answer) == (answer["token_endpoint_auth_method"] != "none")
    assert set(answer["grant_types"]) <= {"authorization_code", "refresh_token"}
    assert None not in answer.values()


def test_a_client_that_asks_for_too_little_gets_what_the_operator_adds(start):
    deployment = start('[registration]\ndefault_client_scopes = ["issues:read", "openid"]\n')

    for asked in ("openid", "issues:write", "unknown", "wiki:read"):
        _, answer = _register(deployment, redirect_uris=[LOOPBACK], scope=asked)
        assert {"issues:read", "openid"} <= set(answer["scope"].split())
    client = McpClient(deployment, metadata={"scope": "openid"}).register()
    assert client.connect()["scope"] == "issues:read"
    assert client.connect(scope="issues:read openid")["scope"] == "issues:read openid"
    assert client.connect(scope="issues:write")["scope"] == "issues:read", "not more than that"


def test_without_such_scopes_a_client_that_asks_for_too_little_still_gets_a_useful_token(
    deployment,
):
    client = McpClient(deployment, metadata={"scope": "openid"}).register()

    assert client.connect()["scope"] == "issues:read issues:write"


@pytest.mark.parametrize("said", ["none", None, ""])
def test_a_client_known_to_want_a_secret_gets_one_and_must_use_it(start, said):
    deployment = start(f'[registration]\nconfidential_redirect_uris = ["{WANTS_A_SECRET}"]\n')
    metadata = {"token_endpoint_auth_method": said}
    client = McpClient(deployment, WANTS_A_SECRET, metadata).register()

    code = response_of(Browser(deployment).approve(client.authorize_url()))["code"]
    without = client.token(client.code_params(code), headers={})

    assert client.client_secret
    assert (without.status_code, without.json["error"]) == (401, "invalid_client")
    assert client.redeem(code).status_code == 200


@pytest.mark.parametrize(
    "uri", [WANTS_A_SECRET + "/", WANTS_A_SECRET + "?x=1", "https://perplexity.example/", LOOPBACK]
)
def test_whoever_only_resembles_it_stays_public(start, uri):
    deployment = start(f'[registration]\nconfidential_redirect_uris = ["{WANTS_A_SECRET}"]\n')

    _, answer = _register(deployment, redirect_uris=[uri], token_endpoint_auth_method="none")

    assert answer["token_endpoint_auth_method"] == "none"
    assert "client_secret" not in answer


PATTERNS = """[registration]
allowed_redirect_uri_patterns = [
    "https://*.apps.example/oauth/*", "https://one.example/cb", "https://dev.example:*/cb",
]
"""


@pytest.mark.parametrize(
    ("uri", "allowed"),
    [
        ("https://a.apps.example/oauth/cb", True),
        ("https://a.b.apps.example/oauth/x/y", True),
        ("https://one.example/cb", True),
        ("https://dev.example:8443/cb", True),
        ("https://apps.example/oauth/cb", False),
        ("https://evil.example/a.apps.example/oauth/cb", False),
        ("https://evil.example/?.apps.example/oauth/cb", False),
        ("https://evil.example:1/.apps.example/oauth/cb", False),
        ("https://a.apps.example.evil.example/oauth/cb", False),
        ("https://a.apps.example:8443/oauth/cb", False),
        ("https://a.apps.example/cb", False),
        ("https://a.apps.example/oauth/cb?x=1", False),
        ("https://one.example/cb/", False),
        ("https://one.example:443/cb", False),
        ("https://dev.example/other", False),
        (LOOPBACK, True),
        ("cursor://anysphere.cursor-mcp/oauth/callback", True),
    ],
)
def test_where_patterns_are_written_every_web_address_must_match_one(start, uri, allowed):
    deployment = start(PATTERNS)

    alone, _ = _register(deployment, redirect_uris=[uri])
    status, beside = _register(deployment, redirect_uris=[LOOPBACK, uri])

    assert alone == (201 if allowed else 400)
    assert status == 201
    kept = [LOOPBACK, uri] if allowed else [LOOPBACK]
    assert beside["redirect_uris"] == list(dict.fromkeys(kept))


@pytest.mark.parametrize(
    "uri", ["https://a@b.apps.example/oauth/x", "https://a.apps.example/oauth/../x"]
)
def test_no_pattern_lets_a_hostile_address_in(start, uri):
    status, answer = _register(start(PATTERNS), redirect_uris=[LOOPBACK, uri])

    assert (status, answer["error"]) == (400, "invalid_redirect_uri")


def test_registration_that_is_switched_off_is_neither_offered_nor_there(start):
    deployment = start("[registration]\nenabled = false\n")

    metadata = deployment.http().get("/.well-known/oauth-authorization-server").json
    assert "registration_endpoint" not in metadata
    page = Browser(deployment).get(f"{deployment.issuer}/authorize?client_id=mcp-gone")
    assert page.status_code == 400
    assert "knows only the applications that were set up" in page.text
    assert "Cursor" not in page.text
    assert (
        deployment.http().post("/register", json={"redirect_uris": [LOOPBACK]}).status_code == 404
    )

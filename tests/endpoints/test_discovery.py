"""What the server publishes: every spelling, its headers, and that it is all true"""

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url

from tests.actors import ISSUER, Deployment

PATHLESS = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"]
WITH_PATH = [
    "/.well-known/oauth-authorization-server/tenant/a",
    "/.well-known/openid-configuration/tenant/a",
    "/tenant/a/.well-known/oauth-authorization-server",
    "/tenant/a/.well-known/openid-configuration",
    *PATHLESS,
]


@pytest.fixture
def with_path(sqlite_url, idp, tmp_path):
    return Deployment.start(tmp_path, sqlite_url, idp, issuer=f"{ISSUER}/tenant/a")


@pytest.mark.spec("RFC 8414", "3.1")
@pytest.mark.parametrize("path", PATHLESS)
def test_the_metadata_answers_at_each_root_form(deployment, path):
    answer = deployment.http().get(path)

    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    assert answer.json["issuer"] == ISSUER


@pytest.mark.spec("RFC 8414", "3.1")
@pytest.mark.parametrize("path", WITH_PATH)
def test_an_issuer_with_a_path_answers_inserted_appended_and_at_the_root(with_path, path):
    answer = with_path.http().get(path)

    assert answer.json["issuer"] == f"{ISSUER}/tenant/a"
    assert answer.json["token_endpoint"] == f"{ISSUER}/tenant/a/token"


@pytest.mark.spec("RFC 8414", "2")
def test_an_outside_judge_finds_the_metadata_valid(deployment):
    path = get_well_known_url(ISSUER).removeprefix(ISSUER)
    document = deployment.http().get(path).json

    AuthorizationServerMetadata(document).validate()
    assert None not in document.values()
    assert [] not in document.values()


def test_every_advertised_endpoint_is_mounted(deployment, with_path):
    for each in (deployment, with_path):
        document = each.http().get(PATHLESS[0]).json
        rules = {rule.rule for rule in each.app.url_map.iter_rules()}
        urls = [v for n, v in document.items() if n.endswith(("_endpoint", "_uri"))]
        assert len(urls) >= 7
        for url in urls:
            assert url.removeprefix(ISSUER) in rules


def test_the_root_aliases_answer_for_clients_that_ignore_the_metadata(with_path):
    http = with_path.http()

    assert http.get("/authorize").status_code == 400
    assert http.post("/token").json["error"] == "invalid_request"
    assert http.post("/register", json={}).json["error"] == "invalid_redirect_uri"


def test_documents_carry_an_etag_and_are_not_sent_twice(deployment):
    for path in (*PATHLESS, "/jwks.json"):
        first = deployment.http().get(path)
        again = deployment.http().get(path, headers={"If-None-Match": first.headers["ETag"]})

        assert "max-age=" in first.headers["Cache-Control"]
        assert (again.status_code, again.data) == (304, b"")


@pytest.mark.spec("RFC 9728", "3.1")
def test_each_resource_has_its_metadata_here_and_an_unknown_one_has_none(deployment):
    http = deployment.http()
    issues = http.get("/.well-known/oauth-protected-resource/issues").json
    wiki = http.get("/.well-known/oauth-protected-resource/wiki").json
    unknown = http.get("/.well-known/oauth-protected-resource/other")

    assert issues["resource"] == "https://issues.example/mcp"
    assert issues["authorization_servers"] == [ISSUER]
    assert wiki["scopes_supported"] == ["wiki:read"]
    assert (unknown.status_code, unknown.mimetype) == (404, "application/json")


def test_unknown_well_known_paths_are_a_404_in_json(deployment):
    for path in ("/.well-known/oauth-authorization-server/mcp", "/.well-known/webfinger"):
        answer = deployment.http().get(path)
        assert (answer.status_code, answer.mimetype) == (404, "application/json")


def test_browser_clients_may_read_documents_and_call_machine_endpoints(deployment):
    headers = {
        "Origin": "https://inspector.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "mcp-protocol-version",
    }
    for path in (*PATHLESS, "/jwks.json", "/token", "/register", "/userinfo"):
        preflight = deployment.http().options(path, headers=headers)
        assert preflight.status_code == 204
        assert preflight.headers["Access-Control-Allow-Origin"] == "*"
        assert "MCP-Protocol-Version" in preflight.headers["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Credentials" not in preflight.headers


def test_registration_switched_off_vanishes_from_the_metadata(sqlite_url, idp, tmp_path):
    closed = Deployment.start(tmp_path, sqlite_url, idp, more="\n[registration]\nenabled = false\n")

    assert "registration_endpoint" not in closed.http().get(PATHLESS[0]).json
    assert closed.http().post("/register", json={}).status_code == 404

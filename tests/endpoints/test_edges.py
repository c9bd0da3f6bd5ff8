"""What the router, not an endpoint, decides; and limits that hold for who fails alone"""

import pytest

from authserver.endpoints.token import DIRECT, GRANTS
from authserver.oauth import workload
from tests.actors import Browser, Deployment, McpClient, claims_of

OWN_ORIGIN = """
[resources.own]
url = "https://auth.example/own/"
name = "Beside us"
"""


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


@pytest.mark.parametrize("path", ["/authorize", "/sign-in", "/callback", "/consent"])
def test_head_asks_nothing_of_a_page_that_acts(client, path):
    with client.deployment.server.store.counting() as count:
        answer = client.deployment.http().head(f"{path}?{client.authorize_url().split('?')[1]}")

    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")
    assert count.commits == 0


def test_no_spelling_of_a_resource_on_our_origin_is_answered_with_a_redirect(
    sqlite_url, idp, tmp_path
):
    with Deployment.start(tmp_path, sqlite_url, idp, more=OWN_ORIGIN) as deployment:
        for path in ("/own", "/own/"):
            url = f"/.well-known/oauth-protected-resource{path}"
            answer = deployment.http().get(url, headers={"Host": "evil.example"})
            assert answer.json["resource"] == "https://auth.example/own/"


@pytest.mark.parametrize(
    "path", ["/.well-known/", "/t/.well-known/x", "/t/.well-known/", "/register"]
)
def test_what_is_not_served_is_a_404_in_json_below_the_issuer_too(sqlite_url, idp, tmp_path, path):
    more = "\n[registration]\nenabled = false\n"
    with Deployment.start(tmp_path, sqlite_url, idp, "https://auth.example/t", more) as deployment:
        http = deployment.http()
        answer = http.post(path) if path == "/register" else http.get(path)

    assert (answer.status_code, answer.mimetype) == (404, "application/json")


FEATURES = (
    "/register", "/register/mcp-1", "/par", "/device_authorization", "/token-batch", "/status-list",
)  # fmt: skip


@pytest.mark.spec("RFC 9110", "15.5.5")
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_what_is_switched_off_says_so_to_every_method(sqlite_url, idp, tmp_path, method):
    more = """
[registration]
enabled = false

[server]
pushed_authorization_requests = false
"""
    with Deployment.start(tmp_path, sqlite_url, idp, more=more) as deployment:
        answers = [deployment.http().open(path, method=method) for path in FEATURES]
    assert {(each.status_code, each.mimetype) for each in answers} == {(404, "application/json")}
    assert [each for each in answers if "Allow" in each.headers] == []
    if method != "HEAD":
        texts = {each.json["error_description"] for each in answers}
        assert len(texts) == len(answers)


@pytest.mark.spec("RFC 6749", "5.2")
def test_the_token_endpoint_has_the_grants_that_the_metadata_lists_and_no_others(deployment):
    document = deployment.http().get("/.well-known/oauth-authorization-server").json
    client = McpClient(deployment).register()
    grants = {*GRANTS, *DIRECT, workload.GRANT_TYPE}
    answers = {
        each: client.token({"grant_type": each, "client_id": client.client_id}).json["error"]
        for each in grants
    }
    unknown = {each for each, error in answers.items() if error == "unsupported_grant_type"}
    assert unknown == grants - set(document["grant_types_supported"])


def test_a_guesser_is_slowed_down_and_the_honest_client_beside_it_is_not(client):
    tokens = client.connect()
    limit = client.deployment.settings.rate_limits.failures_per_client

    answers = [client.refresh("mcpas_rt_wrong").status_code for _ in range(limit + 1)]

    assert answers == [400] * limit + [429]
    assert client.refresh(tokens["refresh_token"]).status_code == 200


def test_an_access_token_never_outlives_its_grant(client):
    tokens = client.connect(Browser(client.deployment))
    settings = client.deployment.settings.tokens
    step = settings.refresh_idle_lifetime - 1
    left = settings.refresh_absolute_lifetime
    while left > step:
        client.deployment.wait(step)
        left -= step
        tokens = client.refresh(tokens["refresh_token"]).json
    client.deployment.wait(left - 10)

    last = client.refresh(tokens["refresh_token"]).json

    claims = claims_of(last["access_token"])
    assert last["expires_in"] == claims["exp"] - claims["iat"] == 10

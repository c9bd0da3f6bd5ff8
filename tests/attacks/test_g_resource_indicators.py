"""Cases 100 to 105: every token is for one MCP server, the one that was asked for and approved"""

import pytest

from tests.actors import LOOPBACK, RESOURCE, Browser, Deployment, McpClient, claims_of
from tests.attacks.outcomes import is_back

WIKI = "https://wiki.example/mcp"
MALFORMED = [
    "/mcp", "mcp", "//issues.example/mcp", "issues.example/mcp", f"{RESOURCE}#", f"{RESOURCE}#f",
    f"{RESOURCE}?#", f"{RESOURCE}/" + "a" * 5000, "not a uri", "https://", "https:///mcp", ":",
    "issues", "Issue tracker", "*", "https://user@issues.example/mcp", f" {RESOURCE}",
    f"{RESOURCE}\n", f"{RESOURCE}\\", "https://íssues.example/mcp", "urn:x:issues",
]  # fmt: skip
LOOK_ALIKES = [
    "https://issues.example.evil/mcp", "https://issues.example/mcp-evil",
    "https://issues.example/mcp/../other", "https://issues.example/mcp/../mcp",
    "https://issues.example/mcp%2f..", "https://issues.example/mcp%2F",
    "https://issues.example/%6dcp", "https://issues.example/MCP", "https://issues.example/mcp//",
    "https://issues.example//mcp", "https://issues.example/mcp/x", "https://issues.example",
    "https://issues.example/", f"{RESOURCE}?x=1", f"{RESOURCE}?", "http://issues.example/mcp",
    "https://issues.example:8443/mcp", "https://issues.example:80/mcp", "https://issues.example./mcp",
    "https://evil.example/https://issues.example/mcp", "https://issues.example\u2024evil/mcp",
    "https://www.issues.example/mcp", "https://issues.example:443443/mcp", f"{RESOURCE};x=1",
]  # fmt: skip
SPELLINGS = [
    RESOURCE, "HTTPS://issues.example/mcp", "https://ISSUES.Example/mcp", f"{RESOURCE}/",
    "https://issues.example:443/mcp", "HTTPS://ISSUES.EXAMPLE:443/mcp/",
]  # fmt: skip


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


def _refused_everywhere(client, resource):
    """The resource is refused at /authorize, with a code, and at refresh; nothing is lost by it."""
    answer = Browser(client.deployment).get(client.authorize_url(resource=resource))
    assert is_back(answer, "invalid_target", LOOPBACK)
    code = client.code()
    redeemed = client.redeem(code, resource=resource)
    assert (redeemed.status_code, redeemed.json["error"]) == (400, "invalid_target")
    tokens = client.redeem(code).json
    refreshed = client.refresh(tokens["refresh_token"], resource=resource)
    assert (refreshed.status_code, refreshed.json["error"]) == (400, "invalid_target")
    assert client.refresh(tokens["refresh_token"]).status_code == 200
    return True


@pytest.mark.spec("RFC 8707", "2")
@pytest.mark.parametrize("resource", MALFORMED, ids=lambda value: ascii(value)[:40])
def test_100_what_is_no_absolute_uri_without_a_fragment_is_refused(client, resource):
    assert _refused_everywhere(client, resource)


def test_100_an_empty_resource_counts_as_left_out(client):
    answer = Browser(client.deployment).get(client.authorize_url(resource=""))
    redeemed = client.redeem(client.code(), resource="")

    assert is_back(answer, "invalid_target", LOOPBACK)
    assert claims_of(redeemed.json["access_token"])["aud"] == RESOURCE


def test_101_an_unknown_resource_is_refused_without_a_hint_at_the_known_ones(client):
    resource = "https://unknown.example/mcp"
    answer = Browser(client.deployment).get(client.authorize_url(resource=resource))
    refused = client.redeem(client.code(), resource=resource)

    assert _refused_everywhere(client, resource)
    for text in (answer.headers["Location"], refused.get_data(as_text=True)):
        assert not [known for known in ("issues", "wiki", "unknown.example") if known in text]


@pytest.mark.spec("RFC 8707", "2")
@pytest.mark.parametrize("resource", LOOK_ALIKES, ids=ascii)
def test_102_a_look_alike_of_a_resource_is_another_resource(client, resource):
    assert _refused_everywhere(client, resource)


@pytest.mark.spec("RFC 9068", "3")
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_103_the_audience_is_the_configured_spelling_whatever_the_client_wrote(client, spelling):
    tokens = client.connect(resource=spelling)
    code = client.code(resource=spelling)
    redeemed = client.redeem(code, resource=spelling).json
    refreshed = client.refresh(redeemed["refresh_token"], resource=spelling).json

    for each in (tokens, redeemed, refreshed):
        assert claims_of(each["access_token"])["aud"] == RESOURCE


@pytest.mark.spec("RFC 9068", "3")
def test_104_without_a_resource_the_only_one_is_meant_and_of_two_none(
    client, sqlite_url, idp, tmp_path
):
    answer = Browser(client.deployment).get(client.authorize_url(resource=None))
    assert is_back(answer, "invalid_target", LOOPBACK)

    with _with_one_resource(tmp_path, sqlite_url, idp) as alone:
        only = McpClient(alone).register()
        tokens = only.redeem(only.code(resource=None), resource=None).json
        refreshed = only.refresh(tokens["refresh_token"], resource=None).json

    for each in (tokens, refreshed):
        assert claims_of(each["access_token"])["aud"] == RESOURCE


def _with_one_resource(folder, database, idp):
    from authserver.settings import load
    from tests.actors import write_config

    path = write_config(folder, database, idp.issuer)
    path.write_text(path.read_text().partition("[resources.wiki]")[0])
    return Deployment(load(path), idp)


def test_104_at_the_token_endpoint_the_resource_of_the_grant_is_meant(client):
    tokens = client.redeem(client.code(), resource=None).json
    refreshed = client.refresh(tokens["refresh_token"], resource=None).json

    for each in (tokens, refreshed):
        assert claims_of(each["access_token"])["aud"] == RESOURCE


@pytest.mark.spec("RFC 8707", "3")
@pytest.mark.parametrize("order", [[RESOURCE, WIKI], [WIKI, RESOURCE], [RESOURCE, "x"]])
def test_105_two_resources_are_refused_for_a_token_has_one_audience(client, order):
    assert _refused_everywhere(client, order)


@pytest.mark.spec("RFC 8707", "2")
def test_105_one_resource_twice_is_one(client):
    tokens = client.connect(resource=[RESOURCE, f"{RESOURCE}/"])

    assert claims_of(tokens["access_token"])["aud"] == RESOURCE


def test_105_a_grant_for_one_resource_gives_no_token_for_another(client):
    code = client.code(resource=WIKI)

    assert client.redeem(code).json["error"] == "invalid_target"
    assert claims_of(client.redeem(code, resource=WIKI).json["access_token"])["aud"] == WIKI

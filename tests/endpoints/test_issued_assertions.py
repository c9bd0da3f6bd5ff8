"""An exchange brings an identity assertion (ID-JAG) for a server elsewhere: RFC 8693 §2.1"""

import json
from base64 import urlsafe_b64decode

import pytest

from authserver.oauth import epoch
from authserver.settings import SettingsError, load
from tests import exchanging
from tests.actors import ISSUER, RESOURCE, McpClient, claims_of, write_config
from tests.exchanging import exchange
from tests.proving import Holder

ID_JAG = "urn:ietf:params:oauth:token-type:id-jag"
PARTNER = "https://auth.partner.example"
THERE = "https://mcp.partner.example/mcp"
WELL_KNOWN = "/.well-known/oauth-authorization-server"
MORE = """
[downstream_servers.partner]
issuer = "https://auth.partner.example"
client_ids = { issues = "issues-there" }
resources = ["https://mcp.partner.example/mcp"]
scopes = ["partner:read", "partner:write"]
claims = ["email"]

[exchanges.issues-partner]
requester = "issues"
source = "issues"
target = "partner"
scopes = { "issues:read" = ["partner:read"], "issues:write" = ["partner:write"] }
"""


@pytest.fixture
def deployment(sqlite_url, idp, tmp_path):
    with exchanging.start(tmp_path, sqlite_url, idp, MORE) as started:
        yield started


@pytest.fixture
def token(deployment):
    client = McpClient(deployment).register()
    return client.connect(scope="issues:read")["access_token"]


def ask(deployment, token, requester="issues", **changes):
    named = {"requested_token_type": ID_JAG, "audience": PARTNER, "resource": THERE}
    return exchange(deployment, requester, token, **{**named, **changes})


def refused(answer, error):
    assert (answer.status_code, answer.json["error"]) == (400, error), answer.json


@pytest.mark.spec("RFC 8693", "2.2.1")
def test_a_client_gets_an_assertion_about_its_user_for_one_server(deployment, token):
    answer = ask(deployment, token)
    assert answer.status_code == 200, answer.json
    said = answer.json
    assert (said["issued_token_type"], said["token_type"]) == (ID_JAG, "N_A")
    assert (said["expires_in"], said["scope"]) == (300, "partner:read")
    assert "refresh_token" not in said
    head = said["access_token"].split(".")[0]
    header = json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    assert (header["typ"], header["alg"]) == ("oauth-id-jag+jwt", "ES256")
    claims = claims_of(said["access_token"])
    user = claims_of(token)["sub"]
    assert {name: claims[name] for name in ("iss", "sub", "aud", "client_id", "resource")} == {
        "iss": ISSUER, "sub": user, "aud": PARTNER, "client_id": "issues-there", "resource": THERE,
    }  # fmt: skip
    assert claims["scope"] == "partner:read"
    assert claims["exp"] - claims["iat"] == 300
    assert claims["auth_time"] == claims_of(token)["auth_time"]
    assert claims["act"] == {"iss": ISSUER, "sub": "issues"}
    assert claims["email"]
    assert claims["jti"] != claims_of(ask(deployment, token).json["access_token"])["jti"]
    event = deployment.last("token.exchanged")
    assert (event["target"], event["client_id"]) == ("partner", "issues")
    assert event["issued_token_type"] == ID_JAG
    assert said["access_token"] not in json.dumps(deployment.events)


def test_it_is_worth_no_more_than_the_way_and_ends_with_its_token(deployment, token):
    refused(ask(deployment, token, scope="partner:write"), "invalid_scope")
    assert ask(deployment, token, scope="partner:read").json["scope"] == "partner:read"
    deployment.wait(800)
    assert ask(deployment, token).json["expires_in"] == 100
    deployment.wait(101)
    refused(ask(deployment, token), "invalid_request")


def test_what_is_not_configured_is_no_target(deployment, token):
    refused(ask(deployment, token, audience="https://nowhere.example"), "invalid_target")
    refused(ask(deployment, token, audience=None), "invalid_target")
    refused(ask(deployment, token, audience="wiki"), "invalid_target")
    refused(ask(deployment, token, resource="https://other.example/mcp"), "invalid_target")
    assert ask(deployment, token, resource=None).status_code == 200
    assert ask(deployment, token, audience="partner").status_code == 200
    # Nothing but an assertion is to be had there.
    refused(ask(deployment, token, requested_token_type=None), "invalid_target")
    for other in ("wiki", "notes", "chat"):
        assert ask(deployment, token, requester=other).status_code == 400


def test_an_assertion_is_no_subject_token_and_no_access_token(deployment, token):
    assertion = ask(deployment, token).json["access_token"]
    for type_ in ("access_token", "jwt", "id-jag", "id_token"):
        named = f"urn:ietf:params:oauth:token-type:{type_}"
        refused(exchange(deployment, "issues", assertion, subject_token_type=named),
                "invalid_request")  # fmt: skip
    said = {"Authorization": f"Bearer {assertion}"}
    assert deployment.http().get("/userinfo", headers=said).status_code == 401


def test_it_is_bound_to_the_key_that_the_asker_proves(deployment, token):
    mine = Holder()
    params = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": token,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "requested_token_type": ID_JAG, "audience": PARTNER,
    }  # fmt: skip
    headers = {**exchanging.basic("issues"), **mine.header()}
    answer = exchanging.form(deployment, "/token", params, headers=headers).json
    assert claims_of(answer["access_token"])["cnf"] == {"jkt": mine.jkt}
    assert answer["token_type"] == "N_A"


MACHINES = """
[clients.machine]
client_secrets = ["file:old-secret"]
grant_types = ["client_credentials"]
targets = ["issues"]
scopes = ["issues:read"]
"""


def test_it_is_about_users_and_nobody_else(sqlite_url, idp, tmp_path):
    with exchanging.start(tmp_path, sqlite_url, idp, MORE + MACHINES) as deployment:
        params = {"grant_type": "client_credentials", "scope": "issues:read", "resource": RESOURCE}
        headers = exchanging.basic("machine", "o" * 32)
        token = exchanging.form(deployment, "/token", params, headers=headers).json["access_token"]
        refused(ask(deployment, token), "invalid_request")
        assert deployment.last("request.refused")["reason"] == "not_a_user"


def test_none_is_made_that_allows_nothing(sqlite_url, idp, tmp_path):
    nothing = MORE.replace('"issues:read" = ["partner:read"]', '"issues:read" = []')
    with exchanging.start(tmp_path, sqlite_url, idp, nothing) as deployment:
        token = McpClient(deployment).register().connect(scope="issues:read")["access_token"]
        refused(ask(deployment, token), "invalid_scope")


def test_it_is_for_one_server_and_one_resource(deployment, token):
    refused(ask(deployment, token, audience=[PARTNER, "wiki"]), "invalid_target")
    refused(ask(deployment, token, audience=[PARTNER, "https://nowhere.example"]), "invalid_target")
    refused(ask(deployment, token, resource=[THERE, "https://x.example/mcp"]), "invalid_target")
    assert ask(deployment, token, audience=[PARTNER, "partner"]).status_code == 200


def test_what_the_user_may_no_longer_do_here_is_not_vouched_for(
    deployment, token, sqlite_url, idp, tmp_path
):
    more = f'{MORE}\n[resources.issues.allow]\nemail_domains = ["other.example"]\n'
    (tmp_path / "strict").mkdir()
    with exchanging.start(tmp_path / "strict", sqlite_url, idp, more) as strict:
        strict.clock.now = deployment.clock.now
        refused(ask(strict, token), "access_denied")


def test_a_server_that_no_exchange_leads_to_is_not_in_the_metadata(sqlite_url, idp, tmp_path):
    unused = MORE[: MORE.index("[exchanges.")]
    with exchanging.start(tmp_path, sqlite_url, idp, unused) as deployment:
        document = deployment.http().get(WELL_KNOWN).json
        assert "identity_chaining_requested_token_types_supported" not in document


def test_what_was_revoked_brings_none(deployment, token):
    with deployment.server.store.write() as tx:
        tx.bump_epoch(epoch.user(claims_of(token)["sub"]))
    refused(ask(deployment, token), "invalid_request")


def test_the_metadata_says_so_only_where_it_is_on(deployment, sqlite_url, idp, tmp_path):
    member = "identity_chaining_requested_token_types_supported"
    assert deployment.http().get(WELL_KNOWN).json[member] == [ID_JAG]
    (tmp_path / "off").mkdir()
    with exchanging.start(tmp_path / "off", sqlite_url, idp) as off:
        assert member not in off.http().get(WELL_KNOWN).json
        client = McpClient(off).register()
        token = client.connect(scope="issues:read")["access_token"]
        refused(ask(off, token), "invalid_request")


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (("https://auth.partner.example", ISSUER), "downstream_servers.partner.issuer"),
        (('issues = "issues-there"', 'wiki = "wiki-there"'), "exchanges.issues-partner.target"),
        (('["partner:read"]', '["partner:all"]'), "exchanges.issues-partner.scopes"),
        (("[downstream_servers.partner]", "[downstream_servers.wiki]"), "downstream_servers.wiki"),
        (("resources = [", "resource = ["), "downstream_servers.partner.resource"),
    ],
    ids=["itself", "stranger", "scope", "name", "key"],
)  # fmt: skip
def test_mistakes_of_the_file_are_told_at_their_key(sqlite_url, idp, tmp_path, change, key):
    for name in ("issues", "wiki", "notes", "chat", "old"):
        (tmp_path / f"{name}-secret").write_text("s" * 32)
    written = exchanging.EXCHANGES.format(more=MORE.replace(*change), source_clients="*")
    path = write_config(tmp_path, sqlite_url, idp.issuer, more=written)
    with pytest.raises(SettingsError) as found:
        load(path)
    assert key in str(found.value)

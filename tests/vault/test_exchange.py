"""The upstream's token in exchange for ours: RFC 8693 §2.2.1"""

import pytest

from authserver.oauth.exchange_request import ACCESS_TOKEN
from tests.actors import Browser, Clock, Deployment, McpClient, write_config
from tests.exchanging import SECRETS, exchange
from tests.upstream.spoiled_server import Spoiled

MORE = """
[resources.issues.client]
client_secrets = ["file:issues-secret"]

[resources.wiki.client]
client_secrets = ["file:wiki-secret"]

[clients.chat]
client_secrets = ["file:chat-secret"]
grant_types = ["urn:ietf:params:oauth:grant-type:token-exchange"]
targets = ["upstream"]
scopes = {scopes}
source_clients = ["*"]

[exchanges.to-api]
requester = "chat"
source = "issues"
target = "upstream"
scopes = {worth}
"""


def start(folder, database, idp, scopes='["api:read"]', worth='{ "issues:write" = ["api:read"] }'):
    for name, secret in SECRETS.items():
        (folder / f"{name}-secret").write_text(secret)
    path = write_config(folder, database, idp.issuer, more=MORE.format(scopes=scopes, worth=worth))
    keeps = f'[resources.issues]\nupstream_token = "exchange"\nupstream_scopes = {scopes}'
    path.write_text(path.read_text().replace("[resources.issues]", keeps, 1))
    from authserver.settings import load

    return Deployment(load(path), idp, Clock())


@pytest.fixture
def deployment(sqlite_url, idp, tmp_path):
    with start(tmp_path, sqlite_url, idp) as started:
        yield started


@pytest.fixture
def token(deployment):
    return McpClient(deployment).register().connect(Browser(deployment))["access_token"]


def upstream(deployment, requester, token, **changes):
    return exchange(deployment, requester, token, **{"audience": "upstream", **changes})


def test_the_server_gets_its_users_upstream_token_and_hears_how_long_it_lives(deployment, token):
    answer = upstream(deployment, "issues", token)

    assert answer.status_code == 200, answer.json
    document = answer.json
    assert document["access_token"] in deployment.idp.access_tokens
    assert document["issued_token_type"] == ACCESS_TOKEN
    assert document["token_type"] == "Bearer"
    assert document["expires_in"] > 0
    assert "api:read" in document["scope"].split()
    assert "refresh_token" not in document
    event = deployment.last("token.exchanged")
    assert (event["source"], event["target"]) == ("issues", "upstream")
    assert document["access_token"] not in str(deployment.events)


def test_a_delegate_gets_it_where_the_users_scopes_are_worth_it(deployment):
    client = McpClient(deployment).register()
    wide = client.connect(Browser(deployment))["access_token"]
    narrow = client.connect(Browser(deployment), scope="issues:read")["access_token"]

    assert upstream(deployment, "chat", wide).status_code == 200
    refused = upstream(deployment, "chat", narrow)
    assert (refused.status_code, refused.json["error"]) == (400, "invalid_scope")


def test_what_cannot_be_narrowed_is_not_given_for_a_part_of_it(sqlite_url, idp, tmp_path):
    worth = '{ "issues:read" = ["api:read"], "issues:write" = ["api:write"] }'
    scopes = '["api:read", "api:write"]'
    with start(tmp_path, sqlite_url, idp, scopes, worth) as deployment:
        client = McpClient(deployment).register()
        for held, status in (("issues:read", 400), ("issues:read issues:write", 200)):
            token = client.connect(Browser(deployment), scope=held)["access_token"]
            answer = upstream(deployment, "chat", token)
            assert (answer.status_code, answer.json.get("error")) == (
                status, "invalid_scope" if status == 400 else None,
            )  # fmt: skip


def test_nobody_else_gets_it(deployment, token):
    for requester in ("wiki",):
        refused = upstream(deployment, requester, token)
        assert (refused.status_code, refused.json["error"]) == (400, "invalid_target")


def test_an_upstream_token_that_is_gone_sends_the_user_to_connect_again(deployment, token):
    with deployment.server.store.write() as tx:
        tx.forget_upstream_tokens_but(())

    refused = upstream(deployment, "issues", token)

    assert (refused.status_code, refused.json["error"]) == (400, "invalid_grant")
    assert "connect again" in refused.json["error_description"]


@pytest.mark.parametrize("down", [Spoiled(503, b""), Spoiled(200, b"<html>")])
def test_while_the_provider_is_away_the_asker_is_told_to_try_again(deployment, token, down):
    deployment.wait(600)
    deployment.idp.spoiled["/token"] = down

    refused = upstream(deployment, "issues", token)

    assert (refused.status_code, refused.json["error"]) == (503, "temporarily_unavailable")
    assert refused.headers["Retry-After"] == "5"

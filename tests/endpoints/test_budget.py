"""What a request may cost the database: statements and commits, counted"""

import pytest

from tests.actors import Browser, Deployment, McpClient, response_of


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


def test_a_refresh_costs_three_statements_and_one_commit(client):
    tokens = client.connect()

    with client.deployment.server.store.counting() as count:
        assert client.refresh(tokens["refresh_token"]).status_code == 200

    assert len(count.statements) <= 3, count.statements
    assert count.commits == 1


def test_a_lost_answer_given_again_writes_nothing(client):
    tokens = client.connect()
    client.refresh(tokens["refresh_token"])

    with client.deployment.server.store.counting() as count:
        assert client.refresh(tokens["refresh_token"]).status_code == 200

    assert all(text.startswith("SELECT") for text in count.statements)


def test_a_login_costs_at_most_five_commits_and_the_code_exchange_one_more(client):
    with client.deployment.server.store.counting() as login:
        answer = Browser(client.deployment).approve(client.authorize_url())
    with client.deployment.server.store.counting() as exchange:
        assert client.redeem(response_of(answer)["code"]).status_code == 200

    assert login.commits <= 5
    assert exchange.commits == 1


def test_discovery_and_jwks_cost_no_statement(client):
    http = client.deployment.http()
    http.get("/jwks.json")

    with client.deployment.server.store.counting() as count:
        for path in ("/jwks.json", "/.well-known/oauth-authorization-server"):
            assert http.get(path).status_code == 200

    assert count.statements == []


def test_a_policy_costs_a_refresh_no_statement_more(sqlite_url, idp, tmp_path):
    more = '[resources.issues.allow]\nemail_domains = ["example.com"]'
    with Deployment.start(tmp_path, sqlite_url, idp, more=more) as deployment:
        client = McpClient(deployment).register()
        tokens = client.connect()

        with deployment.server.store.counting() as count:
            assert client.refresh(tokens["refresh_token"]).status_code == 200
        with deployment.server.store.counting() as retry:
            assert client.refresh(tokens["refresh_token"]).status_code == 200

    assert len(count.statements) <= 3, count.statements
    assert count.commits == 1
    assert all(each.startswith("SELECT") for each in retry.statements)

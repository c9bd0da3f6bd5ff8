"""POST /token with a token exchange: the right token for the next hop: RFC 8693"""

import pytest

from authserver.oauth import epoch
from authserver.oauth.exchange_request import ACCESS_TOKEN, JWT
from tests.actors import RESOURCE, McpClient, claims_of
from tests.exchanging import NOTES, WIKI, exchange, exchanged, start


@pytest.fixture
def deployment(sqlite_url, idp, tmp_path):
    with start(tmp_path, sqlite_url, idp) as started:
        yield started


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


@pytest.fixture
def token(client):
    """The user's token for the issue tracker."""
    return client.connect()["access_token"]


@pytest.mark.spec("RFC 8693", "2.2.1")
def test_a_server_gets_the_token_for_the_next_server(deployment, client, token):
    answer = exchange(deployment, "issues", token)

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    document = answer.json
    claims = claims_of(document.pop("access_token"))
    assert document == {
        "issued_token_type": ACCESS_TOKEN,
        "token_type": "Bearer",
        "expires_in": 900,
        "scope": "wiki:read",
    }
    subject = claims_of(token)
    assert claims == {
        "iss": deployment.issuer,
        "sub": subject["sub"],
        "aud": WIKI,
        "client_id": "issues",
        "scope": "wiki:read",
        "iat": deployment.clock.now,
        "exp": deployment.clock.now + 900,
        "jti": claims["jti"],
        "auth_time": subject["auth_time"],
        "grant_id": subject["grant_id"],
        "act": {"iss": deployment.issuer, "sub": "issues"},
        "via": [{"aud": RESOURCE, "scope": subject["scope"], "jti": subject["jti"]}],
    }
    assert claims["jti"] != subject["jti"]


@pytest.mark.parametrize("name", ["wiki", WIKI, "https://WIKI.example:443/mcp/"])
@pytest.mark.parametrize("type_", [ACCESS_TOKEN, JWT])
def test_a_target_goes_by_name_or_url_and_a_token_is_a_jwt_too(deployment, token, name, type_):
    assert exchange(
        deployment, "issues", token, audience=name, subject_token_type=type_,
        requested_token_type=type_,
    ).status_code == 200  # fmt: skip


def test_a_chain_says_who_acted_and_keeps_the_user(deployment, token):
    wiki = exchanged(deployment, "issues", token)
    notes = exchanged(deployment, "wiki", wiki, audience="notes")

    claims = claims_of(notes)
    first = {"iss": deployment.issuer, "sub": "issues"}
    assert claims["act"] == {"iss": deployment.issuer, "sub": "wiki", "act": first}
    assert claims["sub"] == claims_of(token)["sub"]
    assert [each["aud"] for each in claims["via"]] == [RESOURCE, WIKI]
    assert claims["aud"] == NOTES


def test_a_chain_that_comes_back_has_no_more_than_before(deployment, client):
    token = client.connect(scope="issues:read")["access_token"]
    wiki = exchanged(deployment, "issues", token)
    notes = exchanged(deployment, "wiki", wiki, audience="notes")

    back = exchange(deployment, "notes", notes, audience="issues")

    assert back.json["scope"] == "issues:read"
    wider = exchange(deployment, "notes", notes, audience="issues", scope="issues:write")
    assert (wider.status_code, wider.json["error"]) == (400, "invalid_scope")


def test_a_delegate_exchanges_for_the_users_of_the_clients_it_names(deployment, token):
    claims = claims_of(exchanged(deployment, "chat", token))
    assert (claims["client_id"], claims["act"]["sub"]) == ("chat", "chat")


ACTORS = """
[exchanges.wiki-issues]
requester = "wiki"
source = "wiki"
target = "issues"
scopes = { "wiki:read" = ["issues:read"] }
actors = ["*"]
"""


@pytest.mark.spec("RFC 8693", "2.1")
def test_an_actor_token_of_ours_is_one_that_the_asker_was_given(sqlite_url, idp, tmp_path):
    with start(tmp_path, sqlite_url, idp, ACTORS) as deployment:
        client = McpClient(deployment).register()
        token = client.connect()["access_token"]
        wiki = exchanged(deployment, "issues", token)  # for the resource of the asker
        notes = exchanged(deployment, "wiki", wiki, audience="notes")  # issued to the asker

        def act_by(actor_token):
            with_actor = {"actor_token": actor_token, "actor_token_type": ACCESS_TOKEN}
            return exchange(deployment, "wiki", wiki, audience="issues", **with_actor)

        for given in (wiki, notes):
            act = claims_of(act_by(given).json["access_token"])["act"]
            assert (act["iss"], act["sub"]) == (deployment.issuer, claims_of(token)["sub"])
            assert act["act"]["sub"] == "wiki"
        assert act_by(token).json["error"] == "invalid_request"
        assert deployment.last("request.refused")["reason"] == "actor_token_issued_to_another"
        with deployment.server.store.write() as tx:
            tx.revoke_token(claims_of(notes)["jti"], deployment.clock.now + 900)
        assert act_by(notes).json["error"] == "invalid_request"


def test_a_secret_may_be_one_of_several(deployment, token):
    old = exchange(deployment, "chat", token)
    assert old.status_code == 200


def test_the_event_says_from_where_to_where(deployment, token):
    exchanged(deployment, "issues", token)

    event = deployment.last("token.exchanged")
    assert (event["source"], event["target"], event["client_id"]) == ("issues", "wiki", "issues")
    assert event["grant_id"] == claims_of(token)["grant_id"]


def test_the_rules_of_the_target_are_asked_about_the_user(sqlite_url, idp, tmp_path):
    more = '[resources.wiki.allow]\nemail_domains = ["elsewhere.example"]'
    with start(tmp_path, sqlite_url, idp, more) as deployment:
        token = McpClient(deployment).register().connect()["access_token"]

        answer = exchange(deployment, "issues", token)

    assert (answer.status_code, answer.json["error"]) == (400, "access_denied")


def test_a_token_of_a_resource_lives_as_long_as_its_own_and_the_subjects_at_most(
    sqlite_url, idp, tmp_path
):
    with start(tmp_path, sqlite_url, idp) as deployment:
        token = McpClient(deployment).register().connect()["access_token"]
        deployment.wait(870)

        answer = exchange(deployment, "issues", token)

        assert answer.json["expires_in"] == 30
        assert claims_of(answer.json["access_token"])["exp"] == claims_of(token)["exp"]


def test_an_exchange_costs_two_reads_and_no_write(deployment, token):
    exchanged(deployment, "issues", token)

    with deployment.server.store.counting() as count:
        exchanged(deployment, "issues", token)

    assert len(count.statements) <= 2, count.statements
    assert all(each.startswith("SELECT") for each in count.statements)


@pytest.mark.parametrize("what", ["user", "client", "consent"])
def test_what_ends_the_grant_ends_the_exchange(deployment, client, token, what):
    sub = claims_of(token)["sub"]
    wiki = exchanged(deployment, "issues", token)
    subjects = {
        "user": epoch.user(sub),
        "client": epoch.client(client.client_id),
        "consent": epoch.consent(sub, client.client_id, RESOURCE),
    }
    with deployment.server.store.write() as tx:
        tx.bump_epoch(subjects[what])

    for requester, subject, audience in (("issues", token, "wiki"), ("wiki", wiki, "notes")):
        answer = exchange(deployment, requester, subject, audience=audience)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_one_token_that_was_revoked_takes_along_what_came_of_it(deployment, token):
    other = exchanged(deployment, "issues", token)
    wiki = exchanged(deployment, "issues", token)
    with deployment.server.store.write() as tx:
        tx.revoke_token(claims_of(wiki)["jti"], deployment.clock.now + 900)

    assert exchange(deployment, "wiki", wiki, audience="notes").status_code == 400
    notes = exchanged(deployment, "wiki", other, audience="notes")
    with deployment.server.store.write() as tx:
        tx.revoke_token(claims_of(token)["jti"], deployment.clock.now + 900)
    assert exchange(deployment, "notes", notes, audience="issues").status_code == 400


def test_the_metadata_lists_the_grant_where_a_client_may_use_it(deployment, sqlite_url):
    document = deployment.http().get("/.well-known/oauth-authorization-server").json
    assert "urn:ietf:params:oauth:grant-type:token-exchange" in document["grant_types_supported"]

"""A second exchange, at an authorization server elsewhere: RFC 8693 §2"""

import threading
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote_plus

import pytest

from authserver.oauth.exchange_request import ACCESS_TOKEN, GRANT_TYPE, ID_TOKEN, JWT
from tests import foreign, serving_crm
from tests.actors import RESOURCE, Browser, Deployment, McpClient, claims_of, response_of
from tests.exchanging import SECRETS, WIKI, exchange
from tests.serving_crm import CRM_SECRET, TOKEN, Crm, start
from tests.upstream.hostile_idp import HostileIdp
from tests.upstream.spoiled_server import Seen, Spoiled

CLUSTER = """
[clients.chat]
client_secrets = ["file:chat-secret"]
grant_types = ["urn:ietf:params:oauth:grant-type:token-exchange"]
targets = ["crm", "wiki"]
scopes = ["crm.read", "wiki:read"]
source_clients = ["*"]

[trusted_issuers.cluster]
issuer = "{issuer}"
audiences = ["{audience}"]
algorithms = ["ES256"]

[exchanges.cluster-crm]
requester = "chat"
source = "cluster"
target = "crm"
scopes = ["crm.read"]
"""
BEHIND_WIKI = """
[resources.wiki.client]
client_secrets = ["file:wiki-secret"]

[exchanges.cluster-wiki]
requester = "chat"
source = "cluster"
target = "wiki"
scopes = ["wiki:read"]

[exchanges.wiki-crm]
requester = "wiki"
source = "wiki"
target = "crm"
scopes = { "wiki:read" = ["crm.read"] }
"""


@pytest.fixture
def crm():
    with Crm() as found:
        yield found


@pytest.fixture
def deployment(sqlite_url, idp, crm, tmp_path):
    with start(tmp_path, sqlite_url, idp, crm) as started:
        yield started


def connect(deployment, **changes):
    client = McpClient(deployment).register()
    code = client.code(Browser(deployment), **changes)
    return client.redeem(code, resource=changes.get("resource", RESOURCE)).json["access_token"]


@pytest.fixture
def token(deployment):
    return connect(deployment, scope="issues:read")


def ask(deployment, token, **changes):
    return exchange(deployment, "issues", token, **{"audience": "crm", **changes})


@pytest.mark.spec("RFC 8693", "2.1")
def test_the_users_upstream_token_is_brought_there_and_its_token_comes_back(
    deployment, token, crm, idp
):
    answer = ask(deployment, token)

    assert (answer.status_code, answer.json) == (200, TOKEN)
    (asked,) = crm.asked
    assert asked.params.pop("subject_token") in idp.access_tokens
    assert asked.params == {
        "grant_type": GRANT_TYPE,
        "subject_token_type": ACCESS_TOKEN,
        "requested_token_type": ACCESS_TOKEN,
        "audience": "https://api.crm.example",
        "resource": "https://api.crm.example/v1",
        "scope": "crm.read",
    }
    scheme, _, encoded = asked.headers["authorization"].partition(" ")
    pair = b64decode(encoded).decode().split(":")
    assert (scheme, [unquote_plus(each) for each in pair]) == ("Basic", ["auth server", CRM_SECRET])
    event = deployment.last("token.exchanged")
    assert (event["source"], event["target"], event["scope"]) == ("issues", "crm", "crm.read")
    assert "canary" not in str(deployment.events)


def test_a_secret_may_go_in_the_form(sqlite_url, idp, crm, tmp_path):
    more = 'client_auth = "client_secret_post"'
    with start(tmp_path, sqlite_url, idp, crm, crm_more=more) as deployment:
        assert ask(deployment, connect(deployment)).status_code == 200
    (asked,) = crm.asked
    assert "authorization" not in asked.headers
    assert (asked.params["client_id"], asked.params["client_secret"]) == ("auth server", CRM_SECRET)


@pytest.mark.parametrize("client_id", ["auth server", None])
def test_a_service_that_takes_no_client_is_told_of_none(
    sqlite_url, idp, crm, tmp_path, monkeypatch, client_id
):
    named = 'client_id = "auth server"\nclient_secret = "file:crm-secret"\n'
    public = 'client_auth = "none"\n' + (f'client_id = "{client_id}"\n' if client_id else "")
    monkeypatch.setattr(serving_crm, "MORE", serving_crm.MORE.replace(named, public, 1))
    with start(tmp_path, sqlite_url, idp, crm) as deployment:
        assert ask(deployment, connect(deployment)).status_code == 200
    (asked,) = crm.asked
    assert "authorization" not in asked.headers
    assert asked.params.get("client_id") == client_id
    assert "client_secret" not in asked.params


def test_an_id_token_may_be_brought_there(sqlite_url, idp, crm, tmp_path):
    more = 'subject = "upstream_id_token"'
    with start(tmp_path, sqlite_url, idp, crm, crm_more=more) as deployment:
        assert ask(deployment, connect(deployment, scope="issues:read")).status_code == 200
    (asked,) = crm.asked
    assert asked.params["subject_token_type"] == ID_TOKEN
    assert claims_of(asked.params["subject_token"])["iss"] == idp.issuer


def test_a_token_may_be_minted_for_that_server_alone(sqlite_url, idp, crm, tmp_path):
    more = 'subject = "minted"\nsubject_audience = "https://crm.example"'
    with start(tmp_path, sqlite_url, idp, crm, crm_more=more) as deployment:
        token = connect(deployment, scope="issues:read")
        for _ in range(2):
            assert ask(deployment, token).status_code == 200
        (asked,) = crm.asked
        assert asked.params["subject_token_type"] == JWT
        claims = claims_of(asked.params["subject_token"])
        assert claims == {
            "iss": deployment.issuer,
            "sub": claims_of(token)["sub"],
            "aud": "https://crm.example",
            "iat": deployment.clock.now,
            "exp": deployment.clock.now + 60,
            "jti": claims["jti"],
            "act": {"iss": deployment.issuer, "sub": "issues"},
        }
        answer = ask(deployment, asked.params["subject_token"])
        assert answer.json["error"] == "invalid_request"  # it is no access token of ours


def test_a_minted_token_ends_with_the_subject_token_too(sqlite_url, idp, crm, tmp_path):
    more = 'subject = "minted"\nsubject_audience = "https://crm.example"'
    with start(tmp_path, sqlite_url, idp, crm, crm_more=more) as deployment:
        token = connect(deployment, scope="issues:read")
        deployment.wait(890)
        assert ask(deployment, token).status_code == 200
    (asked,) = crm.asked
    assert claims_of(asked.params["subject_token"])["exp"] == claims_of(token)["exp"]


def test_a_token_is_minted_for_who_is_no_user_behind_a_server_too(sqlite_url, idp, crm, tmp_path):
    for name in ("chat", "wiki"):
        (tmp_path / f"{name}-secret").write_text(SECRETS[name])
    with (
        HostileIdp() as cluster,
        start(
            tmp_path, sqlite_url, idp, crm,
            crm_more='subject = "minted"\nsubject_audience = "https://crm.example"',
            top=CLUSTER.format(issuer=cluster.issuer, audience=foreign.AUDIENCE) + BEHIND_WIKI,
        ) as deployment,
    ):  # fmt: skip
        at_wiki = foreign.ask(deployment, foreign.minted(cluster)).json["access_token"]
        assert exchange(deployment, "wiki", at_wiki, audience="crm").status_code == 200
    (asked,) = crm.asked
    claims = claims_of(asked.params["subject_token"])
    assert claims["sub"] == claims_of(at_wiki)["sub"]
    assert [claims["act"]["sub"], claims["act"]["act"]["sub"]] == ["wiki", "chat"]


def test_our_own_token_never_goes_there(deployment, token, crm):
    ask(deployment, token)
    assert token not in str([each.params for each in crm.asked])
    assert token not in str([each.headers for each in crm.asked])


# --- what is kept ---


def test_a_token_is_kept_until_80_percent_of_its_life(deployment, token, crm):
    for _ in range(3):
        ask(deployment, token)
    deployment.wait(79)
    assert ask(deployment, token).json["expires_in"] == 21
    assert len(crm.asked) == 1
    deployment.wait(1)
    ask(deployment, token)
    assert len(crm.asked) == 2


def test_nobody_gets_anothers_token_nor_one_of_another_scope(deployment, crm):
    crm.answer = {name: value for name, value in TOKEN.items() if name != "scope"}
    client = McpClient(deployment).register()
    other = Browser(deployment).approve(client.authorize_url(), "user-2")
    tokens = connect(deployment), client.redeem(response_of(other)["code"]).json["access_token"]
    for token in tokens:
        assert ask(deployment, token).json["scope"] == "crm.read crm.write"
        assert ask(deployment, token, scope="crm.read").json["scope"] == "crm.read"
    assert len(crm.asked) == 4
    assert len({each.params["subject_token"] for each in crm.asked}) == 2


def test_a_token_for_one_actor_is_not_given_to_a_namesake_of_another_issuer(
    sqlite_url, idp, crm, tmp_path
):
    (tmp_path / "chat-secret").write_text(SECRETS["chat"])
    with (
        HostileIdp() as cluster,
        start(
            tmp_path, sqlite_url, idp, crm,
            crm_more='subject = "minted"\nsubject_audience = "https://crm.example"',
            top=CLUSTER.format(issuer=cluster.issuer, audience=foreign.AUDIENCE),
        ) as deployment,
    ):  # fmt: skip
        for iss in (cluster.issuer, "https://elsewhere.example"):
            chain = {"sub": "front", "act": {"iss": iss, "sub": "robot"}}
            token = foreign.minted(cluster, act=chain)
            assert foreign.ask(deployment, token, "crm").status_code == 200
    chains = [claims_of(each.params["subject_token"])["act"]["act"] for each in crm.asked]
    told = [each["act"]["iss"] for each in chains]
    assert told == [cluster.issuer, "https://elsewhere.example"]


def test_of_many_at_once_one_asks(deployment, token, crm):
    begin = threading.Barrier(4)

    def send(_):
        begin.wait(10)
        return ask(deployment, token).status_code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(send, range(4))) == {200}
    assert len(crm.asked) == 1


def test_what_is_kept_ends_with_the_grant(deployment, token):
    ask(deployment, token)
    with deployment.server.store.write() as tx:
        tx.revoke_grant(claims_of(token)["grant_id"], deployment.clock.now)
    assert ask(deployment, token).json["error"] == "invalid_request"


# --- the rules of the source, as they are now ---


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ({"groups": ["staff", "devs"]}, "crm.read crm.write"),
        ({"groups": ["staff"]}, "crm.read"),
        ({"groups": ["devs"]}, "access_denied"),
    ],
    ids=str,
)
@pytest.mark.parametrize("subject", ["upstream_access_token", "minted"])
def test_what_the_user_may_not_do_at_the_source_any_more_is_worth_nothing_there(
    sqlite_url, idp, crm, tmp_path, subject, later, expected
):
    crm.answer = {name: value for name, value in TOKEN.items() if name != "scope"}
    about = 'subject_audience = "https://crm.example"' if subject == "minted" else ""
    more = f'subject = "{subject}"\n{about}'
    staff = '[resources.issues.allow]\ngroups = ["staff"]'
    devs = '{ description = "Create issues", allow = { groups = ["devs"] } }'
    with start(tmp_path, sqlite_url, idp, crm, crm_more=more, top=staff, write=devs) as deployment:
        idp.claims = {"groups": ["staff", "devs"]}
        token = connect(deployment, scope="issues:read issues:write")
        idp.claims = later
        connect(deployment, resource=WIKI, scope="wiki:read")
        answer = ask(deployment, token).json
    assert answer.get("scope", answer.get("error")) == expected
    assert {each.params["scope"] for each in crm.asked} <= {expected}


# --- failures ---

LONG = b'{"token_type": "Bearer", "access_token": "%s"}' % (b"x" * 16_385)
FAILURES = {
    "down": (Spoiled(503), 503, "temporarily_unavailable"),
    "busy": (Spoiled(429, b'{"error": "invalid_grant"}'), 503, "temporarily_unavailable"),
    "broken": (Spoiled(500, b"<html>canary"), 503, "temporarily_unavailable"),
    "html": (Spoiled(200, b"<html>canary"), 503, "temporarily_unavailable"),
    "giant": (Spoiled(200, b"x" * 2**21), 503, "temporarily_unavailable"),
    "moved": (Spoiled(302, b"{}", {"Location": "/canary"}), 502, "temporarily_unavailable"),
    "no token": (Spoiled(200, b'{"token_type": "Bearer"}'), 503, "temporarily_unavailable"),
    "no type": (Spoiled(200, b'{"access_token": "x"}'), 503, "temporarily_unavailable"),
    "long token": (Spoiled(200, LONG), 503, "temporarily_unavailable"),
    "our secret": (Spoiled(401, b'{"error": "invalid_client"}'), 502, "temporarily_unavailable"),
    "our target": (Spoiled(400, b'{"error": "invalid_target"}'), 502, "temporarily_unavailable"),
    "nonsense": (Spoiled(400, b'{"error": "canary"}'), 502, "temporarily_unavailable"),
    "error in 200": (Spoiled(200, b'{"error": "invalid_client"}'), 502, "temporarily_unavailable"),
    "the user": (Spoiled(400, b'{"error": "invalid_grant"}'), 400, "access_denied"),
    "the token": (Spoiled(400, b'{"error": "invalid_request"}'), 400, "access_denied"),
}


@pytest.mark.parametrize(("answer", "status", "error"), FAILURES.values(), ids=FAILURES)
def test_a_failure_is_told_in_our_words_and_not_kept(deployment, token, crm, answer, status, error):
    crm.answer = answer
    refused = ask(deployment, token)
    assert (refused.status_code, refused.json["error"]) == (status, error)
    assert refused.headers["Cache-Control"] == "no-store"
    assert "canary" not in refused.get_data(as_text=True)
    assert "canary" not in str(deployment.events)
    assert all(each.path == "/token" for each in crm.asked)
    crm.answer = TOKEN
    assert ask(deployment, token).status_code == 200


@pytest.mark.parametrize("scope", ["crm.read crm.write", "crm.admin", ["crm.admin"], 7])
def test_more_scope_than_was_asked_for_is_not_passed_on(deployment, token, crm, scope):
    crm.answer = {**TOKEN, "scope": scope}
    assert ask(deployment, token).status_code == 502


@pytest.mark.parametrize(
    ("said", "expires_in"),
    [(None, 300), (-1, 300), (True, 300), ("60", 60), ("x", 300), (1.5, 300), (2**40, 300)],
)
def test_it_always_says_how_long_it_lives(deployment, token, crm, said, expires_in):
    crm.answer = {**TOKEN, "expires_in": said}
    assert ask(deployment, token).json["expires_in"] == expires_in


def test_a_service_that_hangs_disturbs_no_other(sqlite_url, idp, crm, tmp_path):
    with (
        Crm() as slow,
        start(tmp_path, sqlite_url, idp, crm, slow=slow) as deployment,
        ThreadPoolExecutor(8) as pool,
    ):
        slow.answer = Spoiled(200, b"{}", pause=1.5)
        token = connect(deployment, scope="issues:read")
        hanging = [pool.submit(ask, deployment, token, audience="slow") for _ in range(6)]
        assert ask(deployment, token).status_code == 200
        assert {each.result().status_code for each in hanging} == {503}


class Waiting(Crm):
    """A service that answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived, self.released = threading.Event(), threading.Event()

    def _answer(self, seen: Seen) -> Spoiled:
        self.arrived.set()
        assert self.released.wait(10)
        return super()._answer(seen)


def test_a_server_of_few_threads_keeps_half_of_them_from_a_service(sqlite_url, idp, tmp_path):
    with (
        Waiting() as crm,
        start(tmp_path, sqlite_url, idp, crm) as usual,
        Deployment(usual.settings, idp, usual.clock, upstream_calls=1) as deployment,
        ThreadPoolExecutor(1) as pool,
    ):
        tokens = [connect(deployment, scope="issues:read") for _ in range(2)]
        first = pool.submit(ask, deployment, tokens[0])
        assert crm.arrived.wait(10)
        second = ask(deployment, tokens[1])
        crm.released.set()
        assert (first.result().status_code, second.status_code) == (200, 503)


def test_without_an_upstream_token_the_user_connects_again(deployment, token, crm):
    with deployment.server.store.write() as tx:
        tx.forget_upstream_tokens_but(())
    refused = ask(deployment, token)
    assert (refused.status_code, refused.json["error"]) == (400, "invalid_grant")
    assert crm.asked == []


@pytest.mark.parametrize("scope", ["crm.write", "crm.admin", "issues:read"])
def test_no_scope_is_asked_for_that_the_users_are_not_worth(deployment, token, crm, scope):
    refused = ask(deployment, token, scope=scope)
    assert (refused.status_code, refused.json["error"]) == (400, "invalid_scope")
    assert crm.asked == []

"""Cases 164 to 183: tokens that are exchanged for more, for longer, or by somebody else"""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from authserver.oauth import epoch
from authserver.oauth.access_token import ACCESS_TOKEN_TYPE
from authserver.oauth.exchange_request import ACCESS_TOKEN, GRANT_TYPE, ID_TOKEN
from tests import foreign
from tests.actors import RESOURCE, Browser, McpClient, claims_of
from tests.exchanging import WIKI, basic, exchange, exchanged, form, start
from tests.upstream.hostile_idp import HostileIdp
from tests.upstream.jose import new_key, sign


@pytest.fixture
def deployment(sqlite_url, idp, tmp_path):
    with start(tmp_path, sqlite_url, idp) as started:
        yield started


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


@pytest.fixture
def tokens(client):
    return client.connect(scope="issues:read openid")


@pytest.fixture
def token(tokens):
    return tokens["access_token"]


def refused(answer, error, status=400):
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.json["error"] == error
    assert answer.headers["Cache-Control"] == "no-store"
    assert "access_token" not in answer.json


def forged(deployment, token, **changes):
    """The token with other claims, signed by our own key."""
    claims = {**claims_of(token), **changes}
    return deployment.server.keys.sign(ACCESS_TOKEN_TYPE, claims, deployment.clock.now)


@pytest.mark.spec("RFC 8693", "2.1")
@pytest.mark.parametrize(
    "changes",
    [
        {"subject_token": None},
        {"subject_token_type": None},
        {"subject_token_type": "urn:x"},
        {"subject_token": ""},
    ],
    ids=str,
)
def test_164_a_subject_token_and_its_type_are_needed(deployment, token, changes):
    refused(exchange(deployment, "issues", token, **changes), "invalid_request")


@pytest.mark.spec("RFC 8693", "2.2.2")
def test_165_a_subject_token_that_does_not_hold_is_refused(deployment, token):
    header, payload, signature = token.split(".")
    broken = (
        "x", "a.b.c", f"{header}.{payload}.", f"{header}.{payload}.{signature[::-1]}",
        f"{header}.{payload}", forged(deployment, token, aud="https://gone.example/mcp"),
    )  # fmt: skip
    for each in broken:
        refused(exchange(deployment, "issues", each), "invalid_request")
    deployment.wait(901)
    refused(exchange(deployment, "issues", token), "invalid_request")


def test_166_a_token_that_was_made_for_another_server_is_not_the_askers(deployment, token):
    refused(exchange(deployment, "wiki", token, audience="notes"), "invalid_target")
    refused(exchange(deployment, "notes", token), "invalid_target")
    wiki = exchanged(deployment, "issues", token)
    refused(exchange(deployment, "issues", wiki), "invalid_target")


def test_166_a_delegate_has_no_right_to_the_tokens_of_clients_that_it_does_not_name(
    sqlite_url, idp, tmp_path
):
    with start(tmp_path, sqlite_url, idp, source_clients="somebody-else") as deployment:
        token = McpClient(deployment).register().connect()["access_token"]
        refused(exchange(deployment, "chat", token), "invalid_request")


@pytest.mark.spec("RFC 8693", "3")
def test_167_a_token_of_another_kind_is_not_taken_for_what_it_claims_to_be(deployment, tokens):
    id_token, refresh_token = tokens["id_token"], tokens["refresh_token"]
    for subject in (id_token, refresh_token):
        refused(exchange(deployment, "issues", subject), "invalid_request")
    for subject in (tokens["access_token"], id_token):
        answer = exchange(deployment, "issues", subject, subject_token_type=ID_TOKEN)
        refused(answer, "invalid_request")


@pytest.mark.spec("RFC 8693", "2.1")
def test_168_an_actor_token_and_its_type_belong_together(deployment, token):
    refused(exchange(deployment, "issues", token, actor_token=token), "invalid_request")
    refused(exchange(deployment, "issues", token, actor_token_type=ACCESS_TOKEN), "invalid_request")


def test_170_an_actor_that_nobody_named_is_refused(deployment, client, token):
    agent = client.connect(Browser(deployment))["access_token"]
    answer = exchange(deployment, "issues", token, actor_token=agent, actor_token_type=ACCESS_TOKEN)
    refused(answer, "invalid_request")


@pytest.mark.parametrize("subject", ["", " ", "%00", "\t", "x\0y"])
def test_171_a_subject_token_that_gets_lost_leaves_no_token_for_the_client(deployment, subject):
    answer = exchange(deployment, "issues", subject)
    refused(answer, "invalid_request")


def test_171_a_subject_token_comes_once(deployment, token):
    pairs = [
        ("grant_type", GRANT_TYPE), ("subject_token", token), ("subject_token", token),
        ("subject_token_type", ACCESS_TOKEN), ("audience", "wiki"),
    ]  # fmt: skip
    refused(form(deployment, "/token", pairs, headers=basic("issues")), "invalid_request")


@pytest.mark.parametrize("scope", ["wiki:write", "wiki:read wiki:write", "issues:read", "openid"])
def test_172_no_scope_is_gained(deployment, token, scope):
    refused(exchange(deployment, "issues", token, scope=scope), "invalid_scope")


@pytest.mark.spec("RFC 8693", "2.2.2")
@pytest.mark.parametrize(
    "audience", ["notes", "upstream", "issues", RESOURCE, "https://elsewhere.example", "*", None]
)
def test_173_a_target_that_the_asker_may_not_reach_is_not_there(deployment, token, audience):
    refused(exchange(deployment, "issues", token, audience=audience), "invalid_target")


@pytest.mark.spec("RFC 8693", "2.1")
@pytest.mark.parametrize("fragment", ["#", "#x", "?#"])
def test_174_a_target_has_no_fragment(deployment, token, fragment):
    for name in ("resource", "audience"):
        changes = {"audience": None, name: WIKI + fragment}
        refused(exchange(deployment, "issues", token, **changes), "invalid_target")


@pytest.mark.spec("RFC 8693", "2.1.1")
def test_175_several_targets_are_good_where_they_are_one(deployment, token):
    same = exchange(deployment, "issues", token, audience=["wiki", WIKI], resource=[WIKI, WIKI])
    assert same.status_code == 200
    refused(exchange(deployment, "issues", token, audience=["wiki", "notes"]), "invalid_target")


@pytest.mark.spec("RFC 8693", "4.1")
def test_176_a_chain_that_grows_too_long_is_refused(deployment, token):
    deep = {"iss": deployment.issuer, "sub": "first"}
    for number in range(8):
        deep = {"iss": deployment.issuer, "sub": str(number), "act": deep, "exp": 1, "aud": "x"}
    nine = forged(deployment, token, act=deep)
    claims = claims_of(exchanged(deployment, "issues", nine))

    depth, inner = 0, claims["act"]
    while inner is not None:
        assert inner.keys() <= {"iss", "sub", "act"}
        depth, inner = depth + 1, inner.get("act")
    assert (depth, claims["act"]["sub"]) == (10, "issues")
    ten = forged(deployment, token, act=claims["act"])
    refused(exchange(deployment, "issues", ten), "invalid_request")


def test_177_what_is_exchanged_ends_no_later_and_says_who_asked(deployment, token):
    deployment.wait(600)
    claims, subject = claims_of(exchanged(deployment, "issues", token)), claims_of(token)

    assert claims["exp"] == subject["exp"]
    assert (claims["aud"], claims["sub"]) == (WIKI, subject["sub"])
    assert claims["client_id"] == "issues"


@pytest.mark.spec("RFC 8693", "2.2.1")
@pytest.mark.parametrize("type_", ["refresh_token", "id_token", "saml2", "id-jag"])
def test_178_nothing_but_an_access_token_is_issued(deployment, token, type_):
    requested = f"urn:ietf:params:oauth:token-type:{type_}"
    refused(
        exchange(deployment, "issues", token, requested_token_type=requested), "invalid_request"
    )
    assert "refresh_token" not in exchange(deployment, "issues", token).json


def test_179_whoever_registered_itself_exchanges_nothing(deployment, client, token):
    secretive = McpClient(
        deployment, metadata={"token_endpoint_auth_method": "client_secret_post"}
    ).register()
    for asker in (client, secretive):
        answer = asker.token(
            {
                "grant_type": GRANT_TYPE, "subject_token": token, "audience": "wiki",
                "subject_token_type": ACCESS_TOKEN, "client_id": asker.client_id,
            }
        )  # fmt: skip
        refused(answer, "unauthorized_client")


def test_179_a_client_of_the_configuration_proves_itself(deployment, token):
    for headers in (basic("issues", "wrong"), basic("issues", ""), basic("wiki", "o" * 32)):
        params = {
            "grant_type": GRANT_TYPE, "subject_token": token, "audience": "wiki",
            "subject_token_type": ACCESS_TOKEN,
        }  # fmt: skip
        refused(form(deployment, "/token", params, headers=headers), "invalid_client", 401)


def test_180_who_was_blocked_is_nobody_to_exchange_for(deployment, token):
    with deployment.server.store.write() as tx:
        tx.bump_epoch(epoch.user(claims_of(token)["sub"]))
    refused(exchange(deployment, "issues", token), "invalid_request")


def test_181_what_came_of_a_grant_ends_with_it(deployment, token):
    wiki = exchanged(deployment, "issues", token)
    with deployment.server.store.write() as tx:
        tx.revoke_grant(claims_of(token)["grant_id"], deployment.clock.now)
    refused(exchange(deployment, "wiki", wiki, audience="notes"), "invalid_request")


def test_182_a_token_that_is_bound_to_a_key_is_not_turned_into_one_that_is_not(deployment, token):
    bound = forged(deployment, token, cnf={"jkt": "x" * 43})
    refused(exchange(deployment, "issues", bound), "invalid_dpop_proof")
    for cnf in ({"x5t#S256": "x"}, {}, "x"):
        refused(
            exchange(deployment, "issues", forged(deployment, token, cnf=cnf)), "invalid_dpop_proof"
        )


@pytest.mark.spec("RFC 8693", "2.2.1")
def test_183_an_answer_says_what_it_is(deployment, token):
    document = exchange(deployment, "issues", token).json
    assert document["issued_token_type"] == ACCESS_TOKEN
    assert (document["token_type"], document["scope"]) == ("Bearer", "wiki:read")
    assert document["expires_in"] > 0


@pytest.fixture
def trusting(sqlite_url, idp, tmp_path):
    with HostileIdp() as cluster, foreign.start(tmp_path, sqlite_url, idp, cluster) as started:
        yield started, cluster


@pytest.mark.spec("RFC 8693", "2.2.2")
def test_165_a_foreign_token_that_does_not_hold_is_refused(trusting):
    deployment, cluster = trusting
    now = cluster.now
    wrong: tuple[dict[str, Any], ...] = (
        {"exp": now - 61}, {"exp": now - 1}, {"exp": now + 0.5}, {"nbf": now + 61},
        {"iat": now + 61}, {"iss": "https://x"},
    )  # fmt: skip
    for claims in wrong:
        refused(foreign.ask(deployment, foreign.minted(cluster, **claims)), "invalid_request")
    header, payload, _ = foreign.minted(cluster).split(".")
    refused(foreign.ask(deployment, f"{header}.{payload}.AAAA"), "invalid_request")


@pytest.mark.spec("RFC 8693", "4.4")
def test_169_may_act_keeps_out_whom_it_does_not_name(trusting):
    deployment, cluster = trusting
    others: list[object] = [
        {"sub": "chat"}, {"iss": cluster.issuer, "sub": "chat"}, {}, "chat",
        {"iss": deployment.issuer, "sub": "issues"},
    ]  # fmt: skip
    for may_act in others:
        token = foreign.minted(cluster, may_act=may_act)
        refused(foreign.ask(deployment, token), "invalid_request")
    mine = {"iss": deployment.issuer, "sub": "chat"}
    assert foreign.ask(deployment, foreign.minted(cluster, may_act=mine)).status_code == 200


def test_176_the_actors_of_a_foreign_token_are_kept_and_belong_to_its_issuer(trusting):
    deployment, cluster = trusting
    token = foreign.minted(cluster, act={"sub": "chat", "exp": 1, "act": {"sub": "inner"}})
    claims = claims_of(foreign.ask(deployment, token).json["access_token"])
    assert claims["act"] == {
        "iss": deployment.issuer,
        "sub": "chat",
        "act": {
            "iss": cluster.issuer, "sub": "chat", "act": {"iss": cluster.issuer, "sub": "inner"},
        },
    }  # fmt: skip


@pytest.mark.spec("RFC 8725", "3.1")
def test_185_a_foreign_token_brings_no_key_and_no_algorithm_of_its_own(trusting):
    deployment, cluster = trusting
    stranger = new_key("key-1")
    public = stranger.as_dict(private=False)
    payload = json.dumps(
        {"iss": cluster.issuer, "sub": "x", "aud": foreign.AUDIENCE, "iat": cluster.now,
         "exp": cluster.now + 60}
    ).encode()  # fmt: skip
    for extra in ({"jwk": public}, {"jku": f"{cluster.origin}/evil"}, {"x5u": cluster.origin}):
        forged = sign({"alg": "ES256", "kid": "key-1", **extra}, payload, stranger)
        refused(foreign.ask(deployment, forged), "invalid_request")
    for alg in ("none", "HS256"):
        head = urlsafe_b64encode(json.dumps({"alg": alg}).encode()).rstrip(b"=").decode()
        body = urlsafe_b64encode(payload).rstrip(b"=").decode()
        refused(foreign.ask(deployment, f"{head}.{body}."), "invalid_request")
    assert cluster.asked("/evil") == []

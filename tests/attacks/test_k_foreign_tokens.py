"""Cases 164 to 185 with the tokens of others: a cluster's, the identity provider's"""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc.jwk import RSAKey

from authserver.oauth import epoch
from authserver.oauth.exchange_request import ACCESS_TOKEN, GRANT_TYPE, ID_TOKEN, JWT
from tests import foreign
from tests.actors import Browser, McpClient, claims_of
from tests.exchanging import basic, exchange, form
from tests.foreign import ABSENT, AUDIENCE, CLIENT_ID, ROBOT, ask, id_token, minted
from tests.upstream.hostile_idp import HostileIdp
from tests.upstream.jose import sign
from tests.upstream.logging_out import logout_token


@pytest.fixture
def cluster():
    with HostileIdp() as found:
        yield found


@pytest.fixture
def other():
    with HostileIdp() as found:
        yield found


@pytest.fixture
def deployment(sqlite_url, idp, cluster, other, tmp_path):
    """Return a server that trusts a cluster, for whom a robot may act, and another issuer."""
    more = f"""
    [trusted_issuers.other]
    issuer = "{other.issuer}"
    audiences = ["{AUDIENCE}"]
    algorithms = ["ES256"]
    """
    actors = [f"cluster:{ROBOT}"]
    with foreign.start(tmp_path, sqlite_url, idp, cluster, more=more, actors=actors) as started:
        yield started


def refused(deployment, answer, reason, error="invalid_request"):
    assert (answer.status_code, answer.json["error"]) == (400, error)
    assert deployment.last("request.refused")["reason"] == reason


@pytest.mark.parametrize(
    "type_", [None, "", "jwt", "urn:ietf:params:oauth:token-type:saml2", ROBOT]
)
def test_164_a_foreign_token_says_what_it_is(deployment, cluster, type_):
    answer = ask(deployment, minted(cluster), subject_token_type=type_)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
    assert cluster.seen == []


def test_166_a_token_for_others_is_not_ours_to_exchange(deployment, cluster, idp):
    strangers: tuple[Any, ...] = (
        "https://kubernetes.default.svc",
        deployment.issuer,
        [],
        {"0": AUDIENCE},
        AUDIENCE + "/",
    )
    for aud in strangers:
        token = minted(cluster, aud=aud)
        refused(deployment, ask(deployment, token), "subject_token_foreign_audience")
    token = id_token(idp, aud="somebody-elses-app")
    answer = ask(deployment, token, "issues", subject_token_type=ID_TOKEN)
    refused(deployment, answer, "subject_token_foreign_audience")


def test_166_a_source_that_opens_no_way_for_the_asker_opens_none(deployment, other):
    refused(deployment, ask(deployment, minted(other)), "subject_token_token_kind")
    assert other.seen == []


@pytest.mark.spec("RFC 8693", "3")
def test_167_an_id_token_is_no_access_token_and_the_reverse(deployment, idp, cluster):
    McpClient(deployment).register().connect(Browser(deployment))
    shape = {"aud": "api://authserver", "kubernetes.io": ABSENT, "sub": "user-1"}
    access_token = minted(idp, {"typ": "at+jwt"}, **shape, scope="x")
    signed_in = id_token(idp, aud="api://authserver")
    for token, right, wrong in (
        (access_token, ACCESS_TOKEN, (ID_TOKEN,)),
        (signed_in, ID_TOKEN, (ACCESS_TOKEN, JWT)),
    ):
        assert ask(deployment, token, "issues", subject_token_type=right).status_code == 200
        for type_ in wrong:
            answer = ask(deployment, token, "issues", subject_token_type=type_)
            assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
    for mark in ("nonce", "at_hash", "c_hash"):
        marked: dict[str, Any] = {mark: "x"}
        refused(deployment, ask(deployment, minted(cluster, **marked)), "subject_token_token_kind")


@pytest.mark.parametrize(
    "typ", ["logout+jwt", "secevent+jwt", "dpop+jwt", "oauth-id-jag+jwt", 7, ""]
)
def test_167_a_token_of_another_typ_is_refused(deployment, cluster, typ):
    answer = ask(deployment, minted(cluster, {"typ": typ}))
    refused(deployment, answer, "subject_token_foreign_malformed")


def test_167_a_logout_token_of_the_provider_is_nobodys_token(deployment, idp):
    McpClient(deployment).register().connect(Browser(deployment))
    for typ in ("logout+jwt", "JWT"):
        token = logout_token(idp, {"typ": typ}, aud=[CLIENT_ID, "api://authserver"])
        for type_ in (ID_TOKEN, ACCESS_TOKEN):
            answer = ask(deployment, token, "issues", subject_token_type=type_)
            assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


@pytest.mark.spec("RFC 8693", "2.1")
def test_168_a_foreign_actor_token_and_its_type_belong_together(deployment, cluster):
    subject = McpClient(deployment).register().connect()["access_token"]
    for lonely in ({"actor_token": minted(cluster)}, {"actor_token_type": JWT}):
        answer = exchange(deployment, "issues", subject, **lonely)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_170_an_actor_of_the_same_name_elsewhere_is_somebody_else(deployment, cluster, other):
    subject = McpClient(deployment).register().connect()["access_token"]

    def act_by(token):
        return exchange(deployment, "issues", subject, actor_token=token, actor_token_type=JWT)

    assert act_by(minted(cluster)).status_code == 200
    refused(deployment, act_by(minted(other)), "actor_not_named")
    refused(deployment, act_by(minted(other, sub=f"cluster:{ROBOT}")), "actor_not_named")
    refused(deployment, act_by(minted(cluster, aud="x")), "actor_token_foreign_audience")


def test_170_an_actor_token_of_the_provider_is_not_taken(deployment, idp):
    subject = McpClient(deployment).register().connect()["access_token"]
    for type_ in (ID_TOKEN, ACCESS_TOKEN):
        with_actor = {"actor_token": id_token(idp), "actor_token_type": type_}
        answer = exchange(deployment, "issues", subject, **with_actor)
        refused(deployment, answer, "actor_token_token_kind")


@pytest.mark.parametrize(
    "spoil", ["{} ", " {}", "{}\n", "{}\0", "{}.", ".{}", "{}, {}", "Bearer {}"]
)
def test_171_a_foreign_token_that_is_not_whole_leaves_nothing(deployment, cluster, spoil):
    token = minted(cluster)
    answer = ask(deployment, spoil.format(token, token))
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_171_a_second_foreign_token_is_not_chosen_from(deployment, cluster):
    pairs = [("grant_type", GRANT_TYPE), ("subject_token_type", JWT), ("audience", "wiki")]
    for order in ((ROBOT, "other"), ("other", ROBOT)):
        tokens = [("subject_token", minted(cluster, sub=sub)) for sub in order]
        answer = form(deployment, "/token", [*pairs, *tokens], headers=basic("chat"))
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_171_members_that_stand_twice_are_not_chosen_from(deployment, cluster):
    claims = json.dumps(claims_of(minted(cluster)))
    twice = f'{{"sub": "admin", {claims[1:]}'.encode()
    token = sign({"alg": "ES256", "kid": "key-1"}, twice, cluster.signing_key)
    answer = ask(deployment, token)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_176_a_foreign_chain_has_a_limit_too(deployment, cluster):
    def nested(depth, name="x"):
        return {"sub": name, **({"act": nested(depth - 1, name)} if depth > 1 else {})}

    assert ask(deployment, minted(cluster, act=nested(9))).status_code == 200
    hostile: tuple[Any, ...] = ({"sub": 7}, {"iss": "x"}, [], "x", {})
    for chain in (nested(10), nested(9, "x" * 1000), *hostile):
        answer = ask(deployment, minted(cluster, act=chain))
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_180_what_a_blocked_subject_got_ends(deployment, cluster):
    answer = ask(deployment, minted(cluster))
    token = answer.json["access_token"]
    with deployment.server.store.write() as tx:
        tx.bump_epoch(epoch.user(claims_of(token)["sub"]))
    params = urlencode({"token": token})
    introspected = deployment.http().post(
        "/introspect", data=params, content_type="application/x-www-form-urlencoded",
        headers=basic("chat"),
    )  # fmt: skip
    assert introspected.json == {"active": False}


def test_180_an_issuer_that_is_trusted_no_more_is_a_stranger(
    deployment, sqlite_url, idp, cluster, other, tmp_path
):
    assert ask(deployment, minted(cluster)).status_code == 200
    (tmp_path / "later").mkdir()
    with foreign.start(tmp_path / "later", sqlite_url, idp, other) as later:
        refused(later, ask(later, minted(cluster)), "subject_token_token_kind")


def test_185_a_header_that_must_be_understood_is_not(deployment, cluster):
    headers: tuple[dict[str, Any], ...] = (
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"crit": ["b64"], "b64": False},
        {"kid": 7},
    )
    for extra in headers:
        answer = ask(deployment, minted(cluster, extra))
        refused(deployment, answer, "subject_token_foreign_malformed")


def test_185_an_algorithm_that_is_not_pinned_is_refused_whatever_is_published(deployment, cluster):
    cluster.signing_key = RSAKey.generate_key(2048, {"kid": "rsa"})
    cluster.published.append(cluster.signing_key.as_dict(private=False))
    answer = ask(deployment, minted(cluster, {"alg": "RS256"}))
    refused(deployment, answer, "subject_token_foreign_alg")

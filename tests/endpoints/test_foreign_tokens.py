"""Token exchange for the tokens of others: a cluster's, the upstream's: RFC 8693 §2.1"""

import json

import pytest

from authserver.oauth import epoch
from authserver.oauth.exchange_request import ACCESS_TOKEN, ID_TOKEN, JWT
from tests.actors import Browser, McpClient, claims_of
from tests.exchanging import basic, exchange, form
from tests.foreign import ABSENT, AUDIENCE, CLIENT_ID, ROBOT, ask, id_token, minted, start
from tests.upstream.hostile_idp import HostileIdp
from tests.upstream.spoiled_server import Spoiled


@pytest.fixture
def cluster():
    with HostileIdp() as found:
        yield found


@pytest.fixture
def deployment(sqlite_url, idp, cluster, tmp_path):
    with start(tmp_path, sqlite_url, idp, cluster) as started:
        yield started


def granted(answer):
    assert answer.status_code == 200, answer.json
    return claims_of(answer.json["access_token"])


def refused(answer, error="invalid_request", status=400):
    assert (answer.status_code, answer.json["error"]) == (status, error)


# --- a trusted issuer ---


def test_a_service_account_gets_a_token_in_a_name_space_of_its_own(deployment, cluster):
    claims = granted(ask(deployment, minted(cluster)))

    assert claims["sub"].startswith("ext-")
    assert ROBOT not in claims["sub"]
    assert claims["act"] == {"iss": deployment.issuer, "sub": "chat"}
    assert claims["anchor"] == {"client_id": "chat", "epochs": 0}
    assert not {"grant_id", "via", "auth_time"} & set(claims)
    assert claims["exp"] == deployment.clock.now + 900
    assert granted(ask(deployment, minted(cluster, jti="2")))["sub"] == claims["sub"]
    assert granted(ask(deployment, minted(cluster, sub="other")))["sub"] != claims["sub"]
    event = deployment.last("token.exchanged")
    assert (event["source"], event["target"]) == ("cluster", "wiki")


def test_nobody_acts_whom_its_issuer_cannot_know(deployment, cluster):
    acting = granted(ask(deployment, minted(cluster, act={"sub": "bot"})))["act"]
    assert acting["act"] == {"iss": cluster.issuer, "sub": "bot"}
    for act in (
        {"iss": deployment.issuer, "sub": "issues"},
        {"iss": "https://elsewhere.example", "sub": "x"},
        {"sub": "bot", "act": {"iss": deployment.issuer, "sub": "issues"}},
    ):
        refused(ask(deployment, minted(cluster, act=act)))


def test_it_lives_no_longer_than_the_subject_token(deployment, cluster):
    answer = ask(deployment, minted(cluster, exp=cluster.now + 40))
    assert answer.json["expires_in"] == 40


GITHUB = {
    "sub": "repo:octo/app:ref:refs/heads/main", "aud": AUDIENCE, "kubernetes.io": ABSENT,
    "repository": "octo/app", "ref": "refs/heads/main", "actor": "octocat", "run_id": "1",
}  # fmt: skip
GITLAB = {
    "sub": "project_path:group/app:ref_type:branch:ref:main", "aud": [AUDIENCE],
    "kubernetes.io": ABSENT, "project_path": "group/app", "pipeline_source": "push",
}  # fmt: skip
KEYCLOAK = {
    "sub": "f3c1",
    "aud": AUDIENCE,
    "azp": "batch",
    "scope": "openid batch",
    "kubernetes.io": ABSENT,
}


@pytest.mark.parametrize("shape", [GITHUB, GITLAB, KEYCLOAK], ids=["github", "gitlab", "keycloak"])
@pytest.mark.parametrize("typ", ["JWT", "at+jwt", "application/at+jwt", ABSENT])
def test_tokens_of_other_shapes_are_taken(deployment, cluster, shape, typ):
    assert granted(ask(deployment, minted(cluster, {"typ": typ}, **shape)))


def test_it_is_taken_as_an_access_token_too_and_no_id_token(deployment, cluster):
    token = minted(cluster)
    assert granted(ask(deployment, token, subject_token_type=ACCESS_TOKEN))
    refused(ask(deployment, token, subject_token_type=ID_TOKEN))


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "https://elsewhere.example"}, "foreign_audience"),
        ({"aud": ABSENT}, "foreign_audience"),
        ({"aud": [7]}, "foreign_audience"),
        ({"exp": 1}, "foreign_expired"),
        ({"exp": ABSENT}, "foreign_malformed"),
        ({"iat": ABSENT}, "foreign_malformed"),
        ({"nbf": 2_000_000_000}, "foreign_not_yet_valid"),
        ({"sub": ABSENT}, "foreign_subject"),
        ({"sub": ""}, "foreign_subject"),
        ({"sub": 7}, "foreign_subject"),
        ({"nonce": "n"}, "token_kind"),
        ({"at_hash": "x"}, "token_kind"),
        ({"cnf": {"jkt": "x"}}, "token_kind"),
        ({"events": {}}, "token_kind"),
    ],
    ids=str,
)
def test_a_token_that_is_not_right_is_refused(deployment, cluster, claims, reason):
    refused(ask(deployment, minted(cluster, **claims)))
    assert deployment.last("request.refused")["reason"] == f"subject_token_{reason}"


def test_a_stranger_is_not_believed(deployment, cluster, idp):
    with HostileIdp() as stranger:
        refused(ask(deployment, minted(stranger)))
        refused(ask(deployment, minted(stranger, iss=cluster.issuer)))
        assert stranger.seen == []


def test_keys_are_fetched_once_and_again_for_a_new_kid(deployment, cluster):
    for _ in range(3):
        granted(ask(deployment, minted(cluster)))
    assert len(cluster.asked("/jwks")) == 1
    cluster.rotate("key-2")
    granted(ask(deployment, minted(cluster)))
    for number in range(5):
        refused(ask(deployment, minted(cluster, {"kid": f"made-up-{number}"})))
    assert len(cluster.asked("/jwks")) == 2


DOWN = {
    "503": Spoiled(503),
    "html": Spoiled(200, b"<html>"),
    "empty": Spoiled(200, b"{}"),
    "giant": Spoiled(200, b"x" * 2**21),
}


@pytest.mark.parametrize("down", DOWN.values(), ids=DOWN)
def test_an_issuer_that_does_not_answer_is_nobody_elses_trouble(deployment, cluster, down, idp):
    cluster.spoiled["/jwks"] = down
    answer = ask(deployment, minted(cluster))
    refused(answer, "temporarily_unavailable", 503)
    assert answer.headers["Retry-After"] == "5"
    assert granted(ask(deployment, id_token(idp), "issues", subject_token_type=ID_TOKEN))


def test_metadata_of_another_issuer_is_not_used(deployment, cluster):
    cluster.metadata = {"issuer": "https://evil.example"}
    refused(ask(deployment, minted(cluster)), "temporarily_unavailable", 503)


def test_keys_may_stand_in_a_file(sqlite_url, idp, cluster, tmp_path):
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": cluster.published}))
    more = 'jwks = "file:jwks.json"'
    with start(tmp_path, sqlite_url, idp, cluster, more) as deployment:
        assert granted(ask(deployment, minted(cluster)))
        refused(ask(deployment, minted(cluster, {"kid": "unknown"})))
    assert cluster.seen == []


def test_a_subject_is_a_user_of_ours_only_where_the_file_says_so(
    sqlite_url, idp, cluster, tmp_path
):
    with start(tmp_path, sqlite_url, idp, cluster) as deployment:
        sub = claims_of(McpClient(deployment).register().connect()["access_token"])["sub"]
    mapped = f'users = {{ "{ROBOT}" = "{sub}", gone = "usr-nobody" }}'
    with start(tmp_path, sqlite_url, idp, cluster, mapped) as deployment:
        assert granted(ask(deployment, minted(cluster)))["sub"] == sub
        refused(ask(deployment, minted(cluster, sub="gone")))
        assert granted(ask(deployment, minted(cluster, sub=sub)))["sub"].startswith("ext-")


def test_who_is_no_user_gets_nothing_where_there_are_rules(sqlite_url, idp, cluster, tmp_path):
    more = '[resources.wiki.allow]\nemail_domains = ["example.com"]'
    with start(tmp_path, sqlite_url, idp, cluster, more=more) as deployment:
        token = minted(cluster, email="ada@example.com", email_verified=True)
        refused(ask(deployment, token), "access_denied")


def test_a_root_without_a_grant_can_be_revoked_too(deployment, cluster):
    token = ask(deployment, minted(cluster)).json["access_token"]

    def is_active():
        params = {"token": token}
        return form(deployment, "/introspect", params, headers=basic("chat")).json["active"]

    assert is_active()
    with deployment.server.store.write() as tx:
        tx.bump_epoch(epoch.user(claims_of(token)["sub"]))
    assert not is_active()
    assert granted(ask(deployment, minted(cluster)))["anchor"]["epochs"] == 1


def test_an_actor_may_be_a_trusted_issuers(sqlite_url, idp, cluster, tmp_path):
    with start(tmp_path, sqlite_url, idp, cluster, actors=[f"cluster:{ROBOT}"]) as deployment:
        token = McpClient(deployment).register().connect()["access_token"]
        with_actor = {"actor_token": minted(cluster), "actor_token_type": JWT}
        claims = granted(exchange(deployment, "issues", token, **with_actor))
        inner = {"iss": deployment.issuer, "sub": "issues"}
        assert claims["act"] == {"iss": cluster.issuer, "sub": ROBOT, "act": inner}
        other = {**with_actor, "actor_token": minted(cluster, sub="other")}
        refused(exchange(deployment, "issues", token, **other))


def test_a_delegate_may_be_kept_to_the_clients_that_an_issuer_names(
    sqlite_url, idp, cluster, tmp_path
):
    named = ["cluster:batch", "upstream:chat-frontend"]
    with start(tmp_path, sqlite_url, idp, cluster, source_clients=named) as deployment:
        assert granted(ask(deployment, minted(cluster, azp="batch")))
        for azp in (ABSENT, "upstream:chat-frontend", "*"):
            refused(ask(deployment, minted(cluster, azp=azp)))
        for aud, azp in (("chat-frontend", ABSENT), (["chat-frontend"], "chat-frontend")):
            token = id_token(idp, aud=aud, azp=azp)
            assert granted(ask(deployment, token, "issues", subject_token_type=ID_TOKEN))
        token = id_token(idp, aud=CLIENT_ID)
        refused(ask(deployment, token, "issues", subject_token_type=ID_TOKEN))
        assert deployment.last("request.refused")["reason"] == "source_client_not_named"


# --- the upstream ---


def test_an_id_token_of_a_named_client_is_its_users(deployment, idp):
    sub = claims_of(McpClient(deployment).register().connect(Browser(deployment))["access_token"])[
        "sub"
    ]
    for token in (id_token(idp), id_token(idp, aud=CLIENT_ID)):
        claims = granted(ask(deployment, token, "issues", subject_token_type=ID_TOKEN))
        assert (claims["sub"], claims["auth_time"]) == (sub, idp.now - 5)
        assert claims["anchor"]["client_id"] == "chat"


def test_who_never_signed_in_is_known_by_the_id_token(deployment, idp):
    token = id_token(idp, sub="newcomer")
    claims = granted(ask(deployment, token, "issues", subject_token_type=ID_TOKEN))
    with deployment.server.store.read() as reads:
        user = reads.user(claims["sub"])
    assert (user.upstream_subject, user.email) == ("newcomer", "ada@example.com")
    thin = id_token(idp, sub="newcomer", email=ABSENT, name="Somebody else")
    granted(ask(deployment, thin, "issues", subject_token_type=ID_TOKEN))
    with deployment.server.store.read() as reads:
        assert reads.user(claims["sub"]) == user


def test_an_access_token_is_for_us_and_of_somebody_we_know(deployment, idp):
    shape = {
        "aud": "api://authserver", "sub": "user-1", "scope": "x", "kubernetes.io": ABSENT,
        "azp": "other",
    }  # fmt: skip
    token = minted(idp, {"typ": "at+jwt"}, **shape)
    refused(ask(deployment, token, "issues", subject_token_type=ACCESS_TOKEN))
    McpClient(deployment).register().connect(Browser(deployment))
    assert granted(ask(deployment, token, "issues", subject_token_type=ACCESS_TOKEN))


@pytest.mark.parametrize(
    ("type_", "claims"),
    [
        (ID_TOKEN, {"aud": "api://other"}),
        (ID_TOKEN, {"azp": "another-client"}),
        (ID_TOKEN, {"aud": ["chat-frontend", "another-client"]}),
        (ID_TOKEN, {"scope": "openid"}),
        (ID_TOKEN, {"iss": "https://evil.example"}),
        (ID_TOKEN, {"exp": 1}),
        (ACCESS_TOKEN, {}),
        (JWT, {}),
        (ACCESS_TOKEN, {"aud": CLIENT_ID, "nonce": ABSENT}),
    ],
    ids=str,
)
def test_a_token_of_another_kind_or_for_others_is_refused(deployment, idp, type_, claims):
    McpClient(deployment).register().connect(Browser(deployment))
    refused(ask(deployment, id_token(idp, **claims), "issues", subject_token_type=type_))


def test_only_a_delegate_with_a_way_may_present_them(deployment, idp, cluster):
    token = id_token(idp, sub="newcomer")
    refused(ask(deployment, token, "issues", by="issues", subject_token_type=ID_TOKEN))
    refused(ask(deployment, minted(cluster), by="issues"))
    with deployment.server.store.read() as reads:
        assert reads.user_of(idp.issuer, "newcomer") is None
    assert cluster.seen == []

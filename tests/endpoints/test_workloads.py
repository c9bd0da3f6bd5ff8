"""A job brings its platform's token, and no client: RFC 7523 §2.1"""

from typing import Any

import pytest

from authserver.oauth import epoch
from tests import foreign
from tests.actors import RESOURCE, Deployment, claims_of
from tests.exchanging import WIKI, basic, form
from tests.foreign import ROBOT, minted
from tests.upstream.hostile_idp import HostileIdp
from tests.upstream.jose import new_key, sign
from tests.upstream.spoiled_server import Spoiled

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
WORKLOADS = f"""
[workloads.robot]
issuer = "cluster"
claims = {{ sub = "{ROBOT}" }}
targets = ["issues", "wiki"]
scopes = ["issues:read"]

[workloads.deploy]
issuer = "cluster"
claims = {{ repository = ["acme/site", "acme/api"], ref = "refs/heads/main" }}
targets = ["issues"]
scopes = ["issues:write"]

[workloads.deep]
issuer = "cluster"
claims = {{ "kubernetes.io.namespace" = "staging" }}
targets = ["issues"]
scopes = ["issues:read"]
"""


@pytest.fixture
def cluster():
    with HostileIdp() as issuer:
        yield issuer


@pytest.fixture
def deployment(sqlite_url, idp, cluster, tmp_path):
    with foreign.start(tmp_path, sqlite_url, idp, cluster, more=WORKLOADS) as started:
        yield started


def bring(deployment, assertion, **changes):
    params = {
        "grant_type": JWT_BEARER, "assertion": assertion, "resource": RESOURCE, **changes,
    }  # fmt: skip
    kept = {name: value for name, value in params.items() if value is not None}
    return form(deployment, "/token", kept)


def refused(answer, error="invalid_grant", status=400):
    assert (answer.status_code, answer.json["error"]) == (status, error)


@pytest.mark.spec("RFC 7523", "2.1")
@pytest.mark.spec("MCP 2026-07-28", "Workload Identity Federation")
def test_a_service_account_gets_a_token_with_nothing_but_its_own(deployment, cluster):
    answer = bring(deployment, minted(cluster))

    assert answer.status_code == 200
    claims = claims_of(answer.json["access_token"])
    assert (claims["aud"], claims["client_id"], claims["scope"]) == (
        RESOURCE,
        "robot",
        "issues:read",
    )
    assert claims["sub"].startswith("ext-")
    assert "refresh_token" not in answer.json
    assert answer.json["expires_in"] == 900
    event = deployment.last("token.issued")
    assert (event["grant_type"], event["issuer"]) == (JWT_BEARER, "cluster")
    # The same as when a delegate exchanges it: one name for one subject.
    exchanged = foreign.ask(deployment, minted(cluster)).json["access_token"]
    assert claims_of(exchanged)["sub"] == claims["sub"]


def test_a_ci_job_is_known_by_all_of_its_claims(deployment, cluster):
    job: dict[str, Any] = {"sub": "repo:acme/site:ref:refs/heads/main", "repository": "acme/site"}
    answer = bring(deployment, minted(cluster, **job, ref="refs/heads/main"))
    claims = claims_of(answer.json["access_token"])
    assert (claims["client_id"], claims["scope"]) == ("deploy", "issues:write")
    others: tuple[dict[str, Any], ...] = (
        {**job},
        {**job, "ref": "refs/heads/other"},
        {**job, "ref": "refs/heads/main", "repository": "acme/other"},
        {**job, "ref": ["refs/heads/main"], "repository": {"acme/site": True}},
        {"sub": "system:serviceaccount:prod:other"},
    )
    for wrong in others:
        refused(bring(deployment, minted(cluster, **wrong)))
    staging: dict[str, Any] = {"kubernetes.io": {"namespace": "staging"}, "sub": "x"}
    assert bring(deployment, minted(cluster, **staging)).status_code == 200


def test_its_lists_are_the_limit(deployment, cluster):
    token = minted(cluster)
    assert bring(deployment, token, scope="issues:read issues:write").json["scope"] == "issues:read"
    refused(bring(deployment, token, scope="issues:write"), "invalid_scope")
    refused(bring(deployment, token, resource=WIKI), "invalid_scope")
    refused(bring(deployment, token, resource=None), "invalid_target")
    refused(bring(deployment, token, resource="https://nowhere.example/mcp"), "invalid_target")


def test_it_lives_no_longer_than_what_it_was_given_for(deployment, cluster):
    answer = bring(deployment, minted(cluster, exp=cluster.now + 100))
    assert answer.json["expires_in"] == 100
    assert claims_of(answer.json["access_token"])["exp"] == cluster.now + 100


def test_an_assertion_that_does_not_hold_is_refused(deployment, cluster, idp):
    now = cluster.now
    hostile: tuple[dict[str, Any], ...] = (
        {"exp": now - 1}, {"exp": foreign.ABSENT}, {"nbf": now + 300}, {"iss": "https://x.example"},
        {"aud": "https://kubernetes.default.svc"}, {"sub": foreign.ABSENT}, {"nonce": "n"},
        {"cnf": {"jkt": "x"}}, {"events": {}},
    )  # fmt: skip
    for claims in hostile:
        refused(bring(deployment, minted(cluster, **claims)))
    header = {"alg": "ES256", "kid": "key-1"}
    payload = minted(cluster).split(".")[1]
    refused(bring(deployment, f"{minted(cluster).rpartition('.')[0]}.AAAA"))
    refused(bring(deployment, sign(header, payload.encode(), new_key("key-1"))))
    refused(bring(deployment, minted(idp)))  # the upstream is no trusted issuer
    refused(bring(deployment, "x"))
    refused(bring(deployment, None), "invalid_request")


def test_a_client_has_no_business_here(deployment, cluster):
    token = minted(cluster)
    refused(bring(deployment, token, client_id="chat"), "invalid_request")
    params = {"grant_type": JWT_BEARER, "assertion": token, "resource": RESOURCE}
    refused(form(deployment, "/token", params, headers=basic("chat")), "invalid_request")


def test_guesses_meet_a_limit(deployment, cluster):
    for _ in range(20):
        refused(bring(deployment, minted(cluster, sub="somebody")))
    refused(bring(deployment, minted(cluster, sub="somebody")), "temporarily_unavailable", 429)


def test_while_its_issuer_is_down_it_is_told_to_come_back(deployment, cluster):
    cluster.spoiled["/.well-known/openid-configuration"] = Spoiled(503)
    answer = bring(deployment, minted(cluster))
    refused(answer, "temporarily_unavailable", 503)
    assert answer.headers["Retry-After"]


def test_blocking_its_subject_ends_what_it_has(deployment, cluster):
    token = bring(deployment, minted(cluster)).json["access_token"]

    def active():
        params = {"token": token}
        return form(deployment, "/introspect", params, headers=basic("issues")).json["active"]

    assert active()
    with deployment.server.store.write() as tx:
        tx.bump_epoch(epoch.user(claims_of(token)["sub"]))
    assert not active()


def test_where_there_are_none_the_grant_is_not_known(sqlite_url, idp, tmp_path, deployment):
    well_known = "/.well-known/oauth-authorization-server"
    assert JWT_BEARER in deployment.http().get(well_known).json["grant_types_supported"]
    (tmp_path / "without").mkdir()
    with Deployment.start(tmp_path / "without", sqlite_url, idp) as plain:
        assert JWT_BEARER not in plain.http().get(well_known).json["grant_types_supported"]
        refused(bring(plain, "x"), "unsupported_grant_type")

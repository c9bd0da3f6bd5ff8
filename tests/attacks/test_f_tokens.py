"""Cases 87, 94, 96, 99: what is minted, for whom, and the keys that are published for it"""

import json
from base64 import urlsafe_b64decode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from authserver import upkeep
from authserver.settings import load
from tests.actors import (
    ISSUER,
    RESOURCE,
    Browser,
    Deployment,
    McpClient,
    claims_of,
    response_of,
    write_config,
)

DAY = 86400
WIKI = "https://wiki.example/mcp"
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
REGISTRY = JWSRegistry(algorithms=["ES256", "RS256", "EdDSA", "Ed25519"])


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


def header_of(token):
    segment = token.partition(".")[0]
    return json.loads(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))


def published(deployment):
    return deployment.http().get("/jwks.json").json["keys"]


def signing(deployment):
    client = McpClient(deployment).register()
    return header_of(client.connect()["access_token"])["kid"]


@pytest.mark.spec("RFC 9068", "2")
@pytest.mark.parametrize("scope", [None, "openid", "issues:read offline_access", "email profile"])
def test_087_every_access_token_has_the_type_and_the_claims_of_one(client, scope):
    tokens = client.connect(scope=scope)
    refreshed = client.refresh(tokens["refresh_token"]).json

    for answer in (tokens, refreshed):
        header, claims = header_of(answer["access_token"]), claims_of(answer["access_token"])
        assert header.keys() == {"alg", "typ", "kid"}
        assert header["typ"] == "at+jwt"
        assert (claims["iss"], claims["aud"]) == (ISSUER, RESOURCE)
        assert claims["client_id"] == client.client_id
        assert claims["sub"] != client.client_id
        assert claims["scope"] == answer["scope"] != ""
        assert claims["exp"] - claims["iat"] == answer["expires_in"] == 900
        assert len(claims["jti"]) >= 43


@pytest.mark.parametrize("alg", ["ES256", "RS256", "EdDSA"])
@pytest.mark.filterwarnings("ignore:.*EdDSA.*")
def test_087_it_is_signed_by_a_published_key_with_the_configured_algorithm(deployment, alg):
    settings = replace(deployment.settings, signing_alg=alg)
    empty = settings.database_url.replace("authserver.db", f"{alg}.db")
    with Deployment(replace(settings, database_url=empty), deployment.idp) as other:
        token = McpClient(other).register().connect()["access_token"]
        keys = KeySet.import_key_set({"keys": published(other)})

    assert header_of(token)["alg"] == alg
    decoded = jwt.decode(token, keys, algorithms=[alg], registry=REGISTRY)
    assert decoded.claims == claims_of(token)


def test_087_a_lifetime_of_its_own_holds_in_the_answer_and_in_the_token(sqlite_url, idp, tmp_path):
    of_the_last_resource = 'access_token_lifetime = "1m"\n'
    deployment = Deployment.start(tmp_path, sqlite_url, idp, more=of_the_last_resource)

    tokens = _at_wiki(McpClient(deployment).register())

    claims = claims_of(tokens["access_token"])
    assert claims["exp"] - claims["iat"] == tokens["expires_in"] == 60


def _at_wiki(client):
    return client.redeem(client.code(resource=WIKI), resource=WIKI).json


@pytest.mark.spec("RFC 9068", "5")
def test_094_no_client_chooses_its_id_and_no_id_is_a_users(client):
    sub = claims_of(client.connect()["access_token"])["sub"]
    document = {"redirect_uris": ["http://127.0.0.1/"], "client_id": sub, "client_secret": "x"}

    answer = client.deployment.http().post("/register", json=document).json

    assert answer["client_id"] != sub
    assert answer["client_id"].startswith("mcp-")
    assert sub.startswith("usr-")
    assert "client_secret" not in answer


def test_096_no_private_member_is_published_at_any_time(deployment):
    for _ in range(8):
        deployment.wait(20 * DAY)
        upkeep.run_once(deployment.server)
        for key in published(deployment):
            assert not PRIVATE & key.keys()
            assert {"kty", "use", "alg", "kid"} <= key.keys()


@pytest.mark.spec("RFC 7517", "5")
def test_096_a_key_is_published_before_it_signs_and_until_its_last_token_expired(deployment):
    old = signing(deployment)
    deployment.server.keys.rotate(deployment.clock.now)
    (new,) = {key["kid"] for key in published(deployment)} - {old}
    assert signing(deployment) == old

    deployment.wait(DAY - 1)
    last = McpClient(deployment).register().connect()["access_token"]
    assert header_of(last)["kid"] == old
    deployment.wait(1)
    assert signing(deployment) == new

    while deployment.clock.now <= claims_of(last)["exp"] + 60:
        assert old in {key["kid"] for key in published(deployment)}
        deployment.wait(60)
    deployment.wait(2 * DAY)
    assert {key["kid"] for key in published(deployment)} == {new}


def test_096_servers_that_start_together_on_an_empty_database_make_one_key(idp, tmp_path):
    settings = load(write_config(tmp_path, f"sqlite:///{tmp_path}/new.db", idp.issuer))

    def start(_):
        with Deployment(settings, idp) as deployment:
            return {key["kid"] for key in published(deployment)}

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(start, range(4)))

    assert len(found[0]) == 1
    assert found.count(found[0]) == len(found)


@pytest.mark.spec("RFC 9068", "3")
def test_099_a_token_for_two_servers_is_refused_and_never_guessed(client):
    url = client.authorize_url(resource=[RESOURCE, WIKI], scope="issues:read wiki:read")

    answer = response_of(Browser(client.deployment).get(url))

    assert answer["error"] == "invalid_target"
    assert "code" not in answer


@pytest.mark.spec("RFC 9068", "5")
def test_099_a_scope_of_another_server_is_not_granted(client):
    tokens = client.connect(scope="issues:read wiki:read nobodys")

    assert tokens["scope"] == claims_of(tokens["access_token"])["scope"] == "issues:read"

"""Cases 62, 63, 185: a client that proves itself with a key of its own"""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from authserver.oauth.client_assertion import TYPE
from authserver.oauth.exchange_request import ACCESS_TOKEN, GRANT_TYPE
from authserver.upkeep import run_once
from tests.actors import Deployment, McpClient
from tests.databases import database_url, postgresql_database, postgresql_url  # noqa: F401
from tests.exchanging import form
from tests.upstream.hostile_idp import ABSENT
from tests.upstream.jose import confused, sign

KEY = ECKey.generate_key("P-256", parameters={"kid": "k1"})
MORE = """
[rate_limits]
failures_per_client = 0

[resources.issues.client]
jwks = "file:issues.jwks.json"

[exchanges.issues-wiki]
requester = "issues"
source = "issues"
target = "wiki"
scopes = { "issues:read" = ["wiki:read"] }
"""


@pytest.fixture
def deployment(database_url, idp, tmp_path):  # noqa: F811
    keys = {"keys": [KEY.as_dict(private=False)]}
    (tmp_path / "issues.jwks.json").write_text(json.dumps(keys))
    with Deployment.start(tmp_path, database_url, idp, more=MORE) as started:
        yield started


@pytest.fixture
def token(deployment):
    return McpClient(deployment).register().connect()["access_token"]


def said(deployment, **changes):
    now = deployment.clock.now
    claims = {
        "iss": "issues", "sub": "issues", "aud": deployment.issuer, "iat": now, "exp": now + 60,
        "jti": "one", **changes,
    }  # fmt: skip
    return {name: value for name, value in claims.items() if value is not ABSENT}


def assertion(deployment, key=KEY, kid="k1", **changes):
    return jwt.encode({"alg": "ES256", "kid": kid}, said(deployment, **changes), key)


def exchange(deployment, token, client_assertion, **changes):
    params = {
        "grant_type": GRANT_TYPE, "subject_token": token, "subject_token_type": ACCESS_TOKEN,
        "audience": "wiki", "client_assertion": client_assertion, "client_assertion_type": TYPE,
        **changes,
    }  # fmt: skip
    return form(deployment, "/token", params)


@pytest.mark.spec("RFC 7523", "3")
@pytest.mark.spec("RFC 8725", "3.1")
def test_062_185_an_assertion_that_is_not_right_authenticates_nobody(deployment, token):
    now = deployment.clock.now
    wrong: list[dict[str, Any]] = [
        {"aud": f"{deployment.issuer}/token"}, {"aud": [deployment.issuer, "x"]}, {"iss": "wiki"},
        {"sub": "wiki"}, {"exp": now - 60}, {"exp": now + 3600}, {"exp": ABSENT}, {"jti": ""},
        {"jti": ABSENT}, {"aud": ABSENT}, {"iss": ABSENT}, {"kid": "k2"},
    ]  # fmt: skip
    for number, changes in enumerate(wrong):
        answer = exchange(
            deployment, token, assertion(deployment, **{"jti": str(number), **changes})
        )
        assert (answer.status_code, answer.json["error"]) == (401, "invalid_client"), changes
    stranger = assertion(deployment, ECKey.generate_key("P-256", parameters={"kid": "k1"}))
    payload = json.dumps(said(deployment)).encode()
    for forged in (stranger, *confused({"kid": "k1"}, payload, KEY)):
        answer = exchange(deployment, token, forged)
        assert (answer.status_code, answer.json["error"]) == (401, "invalid_client"), forged
    right = exchange(deployment, token, assertion(deployment))
    assert right.status_code == 200, right.json


@pytest.mark.spec("RFC 8725", "3.11")
@pytest.mark.parametrize(
    ("typ", "status"),
    [
        *((each, 200) for each in ("JWT", "jwt", "client-authentication+jwt",
                                   "application/client-authentication+jwt")),
        *((each, 401) for each in ("at+jwt", "oauth-id-jag+jwt", "dpop+jwt", "logout+jwt", "", 7)),
    ],
)  # fmt: skip
def test_062_a_token_of_another_kind_authenticates_nobody(deployment, token, typ, status):
    header = {"alg": "ES256", "kid": "k1", "typ": typ}
    made = sign(header, json.dumps(said(deployment)).encode(), KEY)
    assert exchange(deployment, token, made).status_code == status


def test_062_a_secret_does_not_stand_in_for_a_key(deployment, token):
    params = {
        "grant_type": GRANT_TYPE, "subject_token": token, "subject_token_type": ACCESS_TOKEN,
        "audience": "wiki", "client_id": "issues",
    }  # fmt: skip
    for more in ({}, {"client_secret": ""}, {"client_secret": "x" * 40}):
        assert form(deployment, "/token", {**params, **more}).status_code == 401


@pytest.mark.spec("RFC 7523", "3")
def test_063_an_assertion_is_taken_once_also_at_once(deployment, token):
    once = assertion(deployment)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: exchange(deployment, token, once), range(8)))
    assert sorted(each.status_code for each in answers) == [200] + [401] * 7
    deployment.wait(89)
    assert exchange(deployment, token, once).status_code == 401
    again = assertion(deployment, jti="two")
    assert exchange(deployment, token, again).status_code == 200


def test_063_what_was_used_is_remembered_until_it_ends_by_every_clock(deployment, token):
    once = assertion(deployment)
    assert exchange(deployment, token, once).status_code == 200
    deployment.wait(89)
    for ahead in (0, 1800):
        deployment.wait(ahead)
        run_once(deployment.server)  # an instance whose clock is half an hour fast cleans up too
        deployment.wait(-ahead)
        assert exchange(deployment, token, once).status_code == 401
        assert deployment.last("request.refused")["reason"] == "assertion_replayed"


def test_063_it_costs_one_statement_more(deployment, token):
    exchange(deployment, token, assertion(deployment))
    with deployment.server.store.counting() as count:
        assert exchange(deployment, token, assertion(deployment, jti="two")).status_code == 200
    assert len(count.statements) <= 3, count.statements
    assert count.commits == 1


@pytest.mark.spec("RFC 8725", "3.10")
def test_185_a_key_at_the_assertions_own_address_is_not_looked_for(deployment, token, idp):
    stranger, url = ECKey.generate_key("P-256"), f"{idp.origin}/evil"
    own = stranger.as_dict(private=False)
    for header in ({"jku": url}, {"x5u": url}, {"jwk": own}, {"jwk": own, "kid": "k1"}):
        payload = json.dumps(said(deployment)).encode()
        forged = sign({"alg": "ES256", **header}, payload, stranger)
        assert exchange(deployment, token, forged).status_code == 401
    assert idp.asked("/evil") == []

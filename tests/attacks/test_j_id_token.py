"""Case 153: an ID token that is wrong in anything signs nobody in"""

import json

import pytest

from tests.actors import Browser, McpClient, claims_of
from tests.attacks.visiting import callback, nobody_is_signed_in
from tests.upstream.hostile_idp import ABSENT, NOW
from tests.upstream.jose import new_key, segment, sign


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


@pytest.fixture
def browser(deployment):
    return Browser(deployment)


@pytest.mark.spec("OpenID Connect Core", "3.1.3.7")
@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://other-tenant.example"}, "id_token_issuer"),
        ({"iss": ABSENT}, "id_token_issuer"),
        ({"aud": "another client"}, "id_token_audience"),
        ({"aud": []}, "id_token_audience"),
        ({"azp": "another client"}, "id_token_audience"),
        ({"exp": NOW - 61}, "id_token_expired"),
        ({"exp": "never"}, "id_token_malformed"),
        ({"iat": NOW + 3600}, "id_token_not_yet_valid"),
        ({"iat": NOW - 3600}, "id_token_stale"),
        ({"nbf": NOW + 3600}, "id_token_not_yet_valid"),
        ({"nonce": ABSENT}, "id_token_nonce"),
        ({"nonce": "of another sign-in"}, "id_token_nonce"),
        ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "id_token_at_hash"),
        ({"sub": ABSENT}, "id_token_subject"),
        ({"sub": ""}, "id_token_subject"),
        ({"sub": 7}, "id_token_subject"),
        ({"sub": "a\tb"}, "id_token_subject"),
        ({"auth_time": NOW + 3600}, "id_token_auth_time"),
    ],
)
def test_153_an_id_token_that_is_wrong_signs_nobody_in(client, browser, claims, reason):
    client.deployment.idp.claims = claims

    page = browser.come_back(callback(client, browser))

    assert nobody_is_signed_in(client, browser, page, reason)


def _unsigned(token):
    _, payload, _ = token.split(".")
    return f"{segment(json.dumps({'alg': 'none'}).encode())}.{payload}."


def _signed_by_a_stranger(token):
    claims = json.dumps(claims_of(token)).encode()
    return sign({"alg": "ES256", "kid": "key-1"}, claims, new_key())


def _altered(token):
    header, _, signature = token.split(".")
    claims = {**claims_of(token), "sub": "admin"}
    return f"{header}.{segment(json.dumps(claims).encode())}.{signature}"


def _relabelled(token):
    _, payload, signature = token.split(".")
    return f"{segment(json.dumps({'alg': 'HS256'}).encode())}.{payload}.{signature}"


@pytest.mark.spec("OpenID Connect Core", "3.1.3.7")
@pytest.mark.parametrize(
    ("forge", "reason"),
    [
        (_unsigned, "id_token_alg"),
        (_relabelled, "id_token_alg"),
        (_signed_by_a_stranger, "id_token_signature"),
        (_altered, "id_token_signature"),
        (lambda token: token + "A", "id_token_signature"),
        (lambda token: token.rpartition(".")[0], "id_token_malformed"),
        (lambda token: token + "." + token, "id_token_malformed"),
    ],
)
def test_153_an_id_token_that_the_provider_did_not_sign_signs_nobody_in(
    client, browser, forge, reason
):
    client.deployment.idp.forge = forge

    page = browser.come_back(callback(client, browser))

    assert nobody_is_signed_in(client, browser, page, reason)


def test_153_a_token_answer_without_an_id_token_signs_nobody_in(client, browser):
    client.deployment.idp.token_answer = {"id_token": ABSENT}

    page = browser.come_back(callback(client, browser))

    assert nobody_is_signed_in(client, browser, page, "id_token_missing")

"""Cases 89-93, 95: forged, foreign and stale tokens at our own userinfo endpoint"""

import hmac
import json

import pytest
from joserfc.jwk import ECKey, RSAKey

from tests.actors import McpClient, claims_of
from tests.upstream.jose import segment, sign


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


@pytest.fixture
def token(client):
    return client.connect(scope="openid issues:read")["access_token"]


@pytest.fixture
def jwk(deployment):
    return deployment.http().get("/jwks.json").json["keys"][0]


@pytest.fixture
def ask(deployment):
    def userinfo(token):
        return deployment.http().get("/userinfo", headers={"Authorization": f"Bearer {token}"})

    return userinfo


def refused(answer):
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_token"), answer.json
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def forged(header, token, signature=b""):
    payload = json.dumps(claims_of(token)).encode()
    return f"{segment(json.dumps(header).encode())}.{segment(payload)}.{segment(signature)}"


def test_089_the_true_token_is_accepted(ask, token):
    assert ask(token).json["sub"] == claims_of(token)["sub"]


@pytest.mark.spec("RFC 8725", "3.1")
@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", "ES256", "ES384", None, 5, ["ES256"]])
@pytest.mark.parametrize("signature", [b"", b"\0" * 64, b"x" * 64])
def test_089_a_token_without_a_signature_is_refused(ask, token, jwk, alg, signature):
    for header in ({"alg": alg, "typ": "at+jwt"}, {"alg": alg, "typ": "at+jwt", "kid": jwk["kid"]}):
        refused(ask(forged(header, token, signature)))


@pytest.mark.spec("RFC 8725", "3.2")
def test_089_a_mac_keyed_with_our_public_key_is_refused(ask, token, jwk):
    public = ECKey.import_key(jwk)
    header = {"alg": "HS256", "typ": "at+jwt", "kid": jwk["kid"]}
    signed = forged(header, token).rpartition(".")[0]

    secrets = [public.as_pem(private=False), public.as_der(private=False), json.dumps(jwk).encode()]
    for secret in (*secrets, jwk["x"].encode(), b""):
        mac = hmac.digest(secret, signed.encode(), "sha256")
        refused(ask(f"{signed}.{segment(mac)}"))


@pytest.mark.parametrize("key", [ECKey.generate_key("P-256"), RSAKey.generate_key(2048)])
@pytest.mark.parametrize("alg", ["own", "ES256"])
def test_089_a_key_of_somebody_elses_is_refused_under_our_kid(ask, token, jwk, key, alg):
    own = "ES256" if isinstance(key, ECKey) else "RS256"
    signed = sign(
        {"alg": own, "typ": "at+jwt", "kid": jwk["kid"]}, json.dumps(claims_of(token)).encode(), key
    )
    if alg != "own":
        header = segment(json.dumps({"alg": alg, "typ": "at+jwt", "kid": jwk["kid"]}).encode())
        signed = f"{header}.{signed.partition('.')[2]}"

    refused(ask(signed))


@pytest.mark.spec("RFC 8725", "3.10")
@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c"])
def test_090_a_header_that_brings_its_key_is_refused_and_nothing_is_fetched(
    ask, token, jwk, member, idp
):
    key = ECKey.generate_key("P-256")
    before = len(idp.seen)
    url = f"{idp.origin}/stolen-keys"
    value = {"jwk": key.as_dict(private=False), "jku": url, "x5u": url, "x5c": ["MIIB"]}[member]
    for kid in ({"kid": jwk["kid"]}, {"kid": "mine"}, {}):
        header = {"alg": "ES256", "typ": "at+jwt", member: value, **kid}
        refused(ask(sign(header, json.dumps(claims_of(token)).encode(), key)))

    assert len(idp.seen) == before


KIDS: list[object] = [
    "unknown", "../../../dev/null", "' OR 1=1 --", "x" * 4000, ["a"], {}, None, 5, True, "", "\0",
    "\ud800", "é",
]  # fmt: skip


@pytest.mark.parametrize("kid", KIDS, ids=repr)
def test_091_a_strange_kid_is_refused(ask, token, kid):
    refused(ask(forged({"alg": "ES256", "typ": "at+jwt", "kid": kid}, token, b"x" * 64)))


def test_091_a_token_too_long_to_be_ours_is_not_looked_at(ask, token, deployment):
    with deployment.server.store.counting() as count:
        answer = ask(forged({"alg": "ES256", "typ": "at+jwt", "kid": "x" * 10_000}, token))

    assert answer.json["error"] == "invalid_request"
    assert count.statements == []


def test_091_many_unknown_kids_cost_one_look_at_the_keys_per_second(ask, token, deployment):
    deployment.wait(1)
    with deployment.server.store.counting() as count:
        for number in range(50):
            refused(ask(forged({"alg": "ES256", "typ": "at+jwt", "kid": str(number)}, token)))

    assert len(count.statements) <= 1


@pytest.mark.spec("RFC 7515", "4.1.11")
@pytest.mark.parametrize(
    "members",
    [
        {"crit": ["exp"]}, {"crit": ["b64"], "b64": False}, {"b64": False}, {"crit": []},
        {"cty": "JWT"}, {"zip": "DEF"}, {"enc": "A128GCM"}, {"nonce": "x"},
    ],
)  # fmt: skip
def test_092_a_header_member_that_we_do_not_write_is_refused(ask, token, jwk, members):
    refused(ask(forged({"alg": "ES256", "typ": "at+jwt", "kid": jwk["kid"], **members}, token)))


@pytest.mark.spec("RFC 8725", "3.11")
@pytest.mark.parametrize("typ", ["JWT", "at+JWT", "jwt", "", "dpop+jwt", "oauth-id-jag+jwt"])
def test_093_a_token_of_ours_of_another_type_is_refused(ask, token, deployment, typ):
    signed = deployment.server.keys.sign(typ, claims_of(token), deployment.clock.now)

    refused(ask(signed))


def test_093_an_id_token_and_the_identity_providers_tokens_are_refused(client, ask, idp):
    tokens = client.connect(scope="openid")
    (upstream, *_) = idp.access_tokens
    foreign = sign({"alg": "ES256", "typ": "at+jwt"}, b"{}", idp.signing_key)

    for other in (tokens["id_token"], tokens["refresh_token"], client.code(), upstream, foreign):
        refused(ask(other))


@pytest.mark.parametrize("exp", ["9999999999", True, 1e12, None, [], -1, 0], ids=repr)
def test_095_an_expiry_that_is_no_whole_number_in_the_future_is_refused(
    ask, token, deployment, exp
):
    claims = {**claims_of(token), "exp": exp}

    refused(ask(deployment.server.keys.sign("at+jwt", claims, deployment.clock.now)))


def test_095_an_expired_token_is_refused(ask, token, deployment):
    deployment.wait(899)
    assert ask(token).status_code == 200
    deployment.wait(1)
    refused(ask(token))


@pytest.mark.parametrize("place", ["query", "body"])
def test_095_a_token_outside_the_header_is_not_taken(deployment, token, place):
    http = deployment.http()
    if place == "query":
        answer = http.get(f"/userinfo?access_token={token}")
    else:
        answer = http.post("/userinfo", data={"access_token": token})

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer, DPoP ")  # of no error

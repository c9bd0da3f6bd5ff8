import base64
import json
from collections.abc import Callable
from dataclasses import FrozenInstanceError

import pytest
from joserfc.jwk import ECKey, RSAKey

from authserver.resource_server import InsufficientScope, InvalidToken, Verifier
from authserver.resource_server.keys import PublicKey
from tests.resource_server.issuer import KEYS, NOW, RESOURCE, STRANGER, public, segment

ALL = ("ES256", "RS256", "EdDSA")


def refusal(verifier, token):
    with pytest.raises(InvalidToken) as refused:
        verifier.verify(token)
    assert refused.value.code == "invalid_token"
    return refused.value.reason


@pytest.mark.parametrize("alg", ALL)
def test_a_token_of_the_issuer_for_the_resource_is_accepted(issuer, alg):
    token = issuer.token(alg, scope="issues:read issues:write", grant_id="g1", act={"sub": "agent"})
    verified = issuer.verifier(algorithms=[alg]).verify(token)
    assert (verified.subject, verified.client_id) == ("user-1", "client-1")
    assert verified.scopes == ("issues:read", "issues:write")
    assert (verified.resource, verified.expires_at) == (RESOURCE, NOW + 900)
    assert (verified.jti, verified.grant_id, verified.act) == ("token-1", "g1", {"sub": "agent"})
    assert verified.claims["iss"] == issuer.url
    assert verified.token == token
    assert token not in repr(verified)


def test_the_newer_name_of_eddsa_is_an_algorithm_of_its_own(issuer):
    token = issuer.token("Ed25519", key=KEYS["EdDSA"])
    assert issuer.verifier(algorithms=["Ed25519"]).verify(token)
    assert refusal(issuer.verifier(algorithms=["EdDSA"]), token) == "algorithm"


def test_what_was_verified_cannot_be_changed(issuer):
    verified = issuer.verifier().verify(issuer.token())
    with pytest.raises(FrozenInstanceError):
        verified.subject = "somebody"
    with pytest.raises(TypeError):
        verified.claims["sub"] = "somebody"


@pytest.mark.spec("RFC 9068", "4")
@pytest.mark.parametrize("aud", [
    "https://issues.example.com/other",
    "https://issues.example.com/mcp/",
    "https://ISSUES.example.com/mcp",
    "https://issues.example.com",
    "https://issues.example.com/mcp https://other.example.com",
    [RESOURCE],
    [RESOURCE, "https://other.example.com/mcp"],
    [],
    {RESOURCE: True},
    None,
    ...,
])  # fmt: skip
def test_88_a_token_whose_audience_is_not_exactly_this_resource_is_refused(issuer, aud):
    assert refusal(issuer.verifier(), issuer.token(aud=aud)) == "audience"


@pytest.mark.parametrize("change", ["upper", "slash", "list", "missing", "other"])
def test_a_token_of_any_other_issuer_is_refused(issuer, change):
    iss = {
        "upper": issuer.url.replace("http", "HTTP"),
        "slash": f"{issuer.url}/",
        "list": [issuer.url],
        "missing": ...,
        "other": "https://upstream.example.com",
    }[change]
    assert refusal(issuer.verifier(), issuer.token(iss=iss)) == "issuer"


@pytest.mark.spec("RFC 9068", "2.1")
@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+jwt"])
def test_the_type_of_an_access_token_is_accepted_in_any_case(issuer, typ):
    assert issuer.verifier().verify(issuer.token(header={"typ": typ}))


@pytest.mark.spec("RFC 9068", "5")
@pytest.mark.parametrize("typ", [
    "JWT", "jwt", "dpop+jwt", "oauth-id-jag+jwt", "client-authentication+jwt", "logout+jwt",
    "at+jwt ", "text/at+jwt", "application/application/at+jwt", "", None, 7, ["at+jwt"], ...,
])  # fmt: skip
def test_an_id_token_an_assertion_or_a_proof_is_no_access_token(issuer, typ):
    assert refusal(issuer.verifier(), issuer.token(header={"typ": typ})) == "type"


# --- algorithms and keys -----------------------------------------------------------------------


def test_alg_none_is_refused(issuer):
    _, payload, signature = issuer.token().split(".")
    unsigned = segment({"typ": "at+jwt", "alg": "none", "kid": "es"})
    verifier = issuer.verifier()
    assert refusal(verifier, f"{unsigned}.{payload}.{signature}") == "algorithm"
    assert refusal(verifier, f"{unsigned}.{payload}.AA") == "algorithm"
    assert refusal(verifier, f"{unsigned}.{payload}.") == "malformed"


SECRETS_THAT_EVERYBODY_KNOWS: dict[str, Callable[[PublicKey], bytes]] = {
    "PEM": lambda key: key.as_pem(private=False),
    "PEM without newline": lambda key: key.as_pem(private=False).strip(),
    "DER": lambda key: key.as_der(private=False),
    "JWK": lambda key: json.dumps(public(key)).encode(),
    "compact JWK": lambda key: json.dumps(public(key), separators=(",", ":")).encode(),
    "nothing": lambda _: b"",
}


@pytest.mark.spec("RFC 8725", "3.1")
@pytest.mark.parametrize("published", ["ES256", "RS256"])
@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("form", SECRETS_THAT_EVERYBODY_KNOWS)
def test_a_public_key_is_no_hmac_secret(issuer, published, alg, form):
    secret = SECRETS_THAT_EVERYBODY_KNOWS[form](KEYS[published])
    forged = issuer.token(alg, key=secret, header={"kid": KEYS[published].kid})
    assert refusal(issuer.verifier(algorithms=ALL), forged) == "algorithm"
    relabelled = issuer.token(alg, key=secret, header={"kid": "es", "alg": "ES256"})
    assert refusal(issuer.verifier(algorithms=ALL), relabelled) == "signature"


@pytest.mark.parametrize("alg", ["HS256", "none", "RS1", ""])
def test_a_symmetric_or_unknown_algorithm_cannot_be_configured(issuer, alg):
    with pytest.raises(ValueError, match="algorithms must be"):
        issuer.verifier(algorithms=[alg])


def test_algorithms_are_a_list_and_never_empty(issuer):
    with pytest.raises(ValueError, match="algorithms must be"):
        issuer.verifier(algorithms=[])
    with pytest.raises(TypeError, match="list"):
        issuer.verifier(algorithms="ES256")


@pytest.mark.parametrize("signed", ALL)
@pytest.mark.parametrize("claimed", ALL)
def test_a_key_of_one_algorithm_does_not_verify_another(issuer, signed, claimed):
    token = issuer.token(signed, header={"alg": claimed})
    verifier = issuer.verifier(algorithms=ALL)
    if signed == claimed:
        assert verifier.verify(token)
    else:
        assert refusal(verifier, token) == "algorithm"


@pytest.mark.parametrize("alg", ["RS256", "EdDSA"])
def test_an_algorithm_that_was_not_chosen_is_refused_although_its_key_is_published(issuer, alg):
    assert refusal(issuer.verifier(), issuer.token(alg)) == "algorithm"


def test_a_key_is_used_only_for_the_algorithm_that_its_owner_pinned(issuer):
    issuer.publish(public(KEYS["RS256"], alg="PS256"), public(KEYS["ES256"], alg="ES256"))
    verifier = issuer.verifier(algorithms=ALL)
    assert refusal(verifier, issuer.token("RS256")) == "algorithm"
    assert verifier.verify(issuer.token("ES256"))


def test_a_key_of_somebody_else_under_a_published_kid_is_refused(issuer):
    assert refusal(issuer.verifier(), issuer.token(key=STRANGER)) == "signature"


@pytest.mark.spec("RFC 7515", "10.7")
@pytest.mark.parametrize("place", ["jwk", "jku", "x5u", "x5c"])
def test_a_key_that_the_token_brings_along_is_neither_used_nor_fetched(issuer, place):
    issuer.serve("/evil", {"keys": [public(STRANGER)]})
    brought = {
        "jwk": public(STRANGER),
        "jku": f"{issuer.origin}/evil",
        "x5u": f"{issuer.origin}/evil",
        "x5c": [base64.b64encode(STRANGER.as_der(private=False)).decode()],
    }[place]
    verifier = issuer.verifier()
    forged = issuer.token(key=STRANGER, header={place: brought})
    assert refusal(verifier, forged) == "signature"
    assert verifier.verify(issuer.token(header={place: brought}))
    assert issuer.hits["/evil"] == 0


@pytest.mark.spec("RFC 8725", "3.10")
@pytest.mark.parametrize("kid", [
    "unknown", "../../../dev/null", "' OR 1=1 --", "x" * 257, "x" * 10_000, "", ["es"], {"es": 1},
    7, None, ...,
])  # fmt: skip
def test_a_strange_kid_finds_no_key_and_costs_at_most_one_fetch(issuer, kid):
    verifier = issuer.verifier()
    assert verifier.verify(issuer.token())
    reason = refusal(verifier, issuer.token(header={"kid": kid}))
    assert reason == ("malformed" if kid == "x" * 10_000 else "key")
    assert issuer.jwks_hits == 1


@pytest.mark.spec("RFC 7515", "4.1.11")
@pytest.mark.parametrize("header", [
    {"crit": ["unknown"], "unknown": True},
    {"crit": ["exp"]},
    {"crit": []},
    {"crit": ["b64"], "b64": False},
    {"crit": ["b64"], "b64": True},
    {"b64": True},
])  # fmt: skip
def test_no_critical_extension_is_understood(issuer, header):
    assert refusal(issuer.verifier(), issuer.token(header=header)) == "header"


def test_an_unencoded_payload_is_refused(issuer):
    header = {"alg": "ES256", "typ": "at+jwt", "kid": "es", "b64": False, "crit": ["b64"]}
    payload = json.dumps(issuer.claims())
    assert refusal(issuer.verifier(), f"{segment(header)}.{payload}.AAAA") == "malformed"
    assert refusal(issuer.verifier(), f"{segment(header)}.e30.AAAA") == "header"


# --- time --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("exp", "nbf", "iat", "reason"), [
    (NOW, ..., NOW - 900, None),
    (NOW - 59, ..., NOW - 900, None),
    (NOW - 60, ..., NOW - 900, "expired"),
    (NOW - 61, ..., NOW - 900, "expired"),
    (0, ..., 0, "expired"),
    (-1, ..., -901, "expired"),
    (NOW + 900, NOW + 60, NOW, None),
    (NOW + 900, NOW + 61, NOW, "not_yet_valid"),
    (NOW + 900, ..., NOW + 60, None),
    (NOW + 900, ..., NOW + 61, "not_yet_valid"),
    (NOW + 86_400, ..., NOW, None),
    (NOW + 86_401, ..., NOW, "claims"),
    (10**300, ..., NOW, "claims"),
])  # fmt: skip
def test_a_token_lives_between_its_moments_with_a_minute_of_leeway(issuer, exp, nbf, iat, reason):
    verifier, token = issuer.verifier(), issuer.token(exp=exp, nbf=nbf, iat=iat)
    if reason is None:
        assert verifier.verify(token).expires_at == exp
    else:
        assert refusal(verifier, token) == reason


@pytest.mark.spec("RFC 9068", "2.2")
@pytest.mark.parametrize("name", ["exp", "iat"])
@pytest.mark.parametrize("value", [
    str(NOW + 900), True, False, float(NOW + 900), NOW + 0.5, None, [NOW], {}, ...,
])  # fmt: skip
def test_a_moment_is_a_whole_number(issuer, name, value):
    assert refusal(issuer.verifier(), issuer.token(**{name: value})) == "claims"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000])
def test_a_number_that_is_none_is_no_moment(issuer, number):
    payload = json.dumps(issuer.claims(exp=0)).replace('"exp": 0', f'"exp": {number}')
    assert refusal(issuer.verifier(), issuer.token(payload=payload.encode())) == "malformed"


def test_a_token_without_leeway_dies_with_its_exp(issuer):
    verifier = issuer.verifier(leeway=0)
    assert verifier.verify(issuer.token(exp=NOW + 1))
    assert refusal(verifier, issuer.token(exp=NOW)) == "expired"
    with pytest.raises(ValueError, match="leeway"):
        issuer.verifier(leeway=301)


def test_a_token_that_was_verified_before_still_expires(issuer):
    verifier, token = issuer.verifier(), issuer.token()
    assert verifier.verify(token)
    with pytest.raises(InvalidToken, match="invalid_token"):
        verifier.verify(token, now=NOW + 961)


# --- claims ------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 9068", "2.2")
@pytest.mark.parametrize("name", ["sub", "client_id", "jti"])
@pytest.mark.parametrize("value", [..., None, "", 7, True, ["x"], {"x": 1}])
def test_who_what_and_which_are_strings(issuer, name, value):
    assert refusal(issuer.verifier(), issuer.token(**{name: value})) == "claims"


@pytest.mark.parametrize(("scope", "expected"), [
    (..., ()),
    ("", ()),
    ("a b", ("a", "b")),
    ("a  b a", ("a", "b")),
    (["a"], None),
    (None, None),
    ('a"b', None),
    ("a\nb", None),
])  # fmt: skip
def test_scope_is_a_string_of_words(issuer, scope, expected):
    verifier, token = issuer.verifier(), issuer.token(scope=scope)
    if expected is None:
        assert refusal(verifier, token) == "claims"
    else:
        assert verifier.verify(token).scopes == expected


@pytest.mark.parametrize("act", ["agent", ["agent"], 7, True])
def test_an_actor_is_an_object(issuer, act):
    assert refusal(issuer.verifier(), issuer.token(act=act)) == "claims"


def test_a_key_bound_token_is_no_bearer_token(issuer):
    assert refusal(issuer.verifier(), issuer.token(cnf={"jkt": "x"})) == "binding"


@pytest.mark.parametrize("payload", [
    " ", "[]", '"x"', "{", "null", '{"a":1,"a":2}', "[" * 5000, '{"a":' * 5000, "\x00", "\ud800",
])  # fmt: skip
def test_a_payload_that_is_no_strict_json_object_is_refused(issuer, payload):
    signed = issuer.token(payload=payload.encode("utf-8", "surrogatepass"))
    assert refusal(issuer.verifier(), signed) == "malformed"


def test_a_claim_that_is_said_twice_is_refused(issuer):
    payload = json.dumps(issuer.claims())[:-1] + ', "aud": "https://issues.example.com/mcp"}'
    assert refusal(issuer.verifier(), issuer.token(payload=payload.encode())) == "malformed"


@pytest.mark.parametrize("written", [
    "", "x", "TOKEN.", "TOKEN.x", ".TOKEN", "TOKEN=", "TOKEN\n", " TOKEN", "TOKEN TOKEN", "TOKENé",
    "eyJTOKEN", "e30.TOKEN", "x" * 20_000, "e30." * 4000, "..", "e30..e30", "Bearer TOKEN",
])  # fmt: skip
def test_what_is_no_compact_jwt_is_refused_before_any_fetch(issuer, written):
    token = written.replace("TOKEN", issuer.token())
    assert refusal(issuer.verifier(), token) == "malformed"
    assert not issuer.hits


def test_a_changed_token_is_refused_even_where_the_original_is_remembered(issuer):
    verifier, token = issuer.verifier(), issuer.token()
    assert verifier.verify(token)
    header, payload, signature = token.split(".")
    other = issuer.token(scope="issues:read issues:write").split(".")[1]
    assert refusal(verifier, f"{header}.{other}.{signature}") == "signature"
    assert refusal(verifier, f"{header}.{payload}.{signature[:-4]}AAAA") == "signature"


# --- scope -------------------------------------------------------------------------------------


def test_missing_scope_is_named_beside_all_that_is_required(issuer):
    with pytest.raises(InsufficientScope) as refused:
        issuer.verifier().verify(issuer.token(), required_scopes=["issues:read", "issues:write"])
    assert refused.value.required == ("issues:read", "issues:write")
    assert refused.value.missing == ("issues:write",)


def test_a_token_can_be_asked_for_more_scope_later(issuer):
    verified = issuer.verifier().verify(issuer.token(), required_scopes=["issues:read"])
    verified.require("issues:read")
    with pytest.raises(InsufficientScope) as refused:
        verified.require("issues:read", "issues:delete")
    assert refused.value.missing == ("issues:delete",)


@pytest.mark.parametrize("url", [
    "http://auth.example.com", "ftp://auth.example.com", "auth.example.com", "https://",
    "https://user@auth.example.com", "https://auth.example.com#x", "http://localhost.example.com",
])  # fmt: skip
def test_issuer_and_keys_are_reached_over_https_or_on_loopback(url):
    with pytest.raises(ValueError, match="issuer must be an https URL"):
        Verifier(url, RESOURCE)
    with pytest.raises(ValueError, match="jwks_uri must be an https URL"):
        Verifier("https://auth.example.com", RESOURCE, jwks_uri=url)


def test_a_short_rsa_key_is_not_used(issuer):
    with pytest.warns(match="2048"):
        short = RSAKey.generate_key(1024, {"kid": "short"})
    issuer.publish(public(short), public(ECKey.generate_key("P-256", {"kid": "other"})))
    assert refusal(issuer.verifier(algorithms=["RS256"]), issuer.token("RS256", key=short)) == "key"

"""private_key_jwt: an assertion that is ours, fresh, and for this provider alone."""

import dataclasses

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from authserver.settings.upstream import ClientKey
from authserver.upstream.errors import UpstreamError
from tests.upstream.hostile_idp import CLIENT_ID, NOW

EC = ECKey.generate_key("P-256")
RSA = RSAKey.generate_key(2048)
KEYS = {
    "EC": ClientKey("key-7", "ES256", EC),
    "RSA": ClientKey("key-8", "PS256", RSA, x5t="A1bC2dE3"),
}


@pytest.fixture
def make(make_login, idp):
    def make(key=KEYS["EC"], audience="issuer", **changes):
        idp.client_auth, idp.client_key = "private_key_jwt", key.private
        idp.assertion_audience = idp.issuer if audience == "issuer" else f"{idp.origin}/token"
        return make_login(
            client_auth="private_key_jwt", client_secret=None, client_key=key,
            client_assertion_audience=audience, **changes,
        )  # fmt: skip

    return make


def _sent(idp):
    return [seen.params for seen in idp.asked("/token")]


@pytest.mark.spec("RFC 7523", "3")
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("audience", ["issuer", "token_endpoint"])
def test_the_provider_takes_an_assertion_for_itself(make, key, audience):
    assert make(key, audience).sign_in().subject == "user-1"


def test_an_assertion_for_the_wrong_audience_is_not_taken(make, idp):
    login = make()
    idp.assertion_audience = f"{idp.origin}/token"
    with pytest.raises(UpstreamError, match="invalid_client"):
        login.sign_in()


def test_each_assertion_is_used_once_and_lives_a_minute(make, idp):
    login = make()
    login.sign_in()
    login.sign_in()
    claims = [
        jwt.decode(p["client_assertion"], EC, algorithms=["ES256"]).claims for p in _sent(idp)
    ]
    assert len({each["jti"] for each in claims}) == 2
    assert {(each["iat"], each["exp"]) for each in claims} == {(NOW, NOW + 60)}
    assert {each["iss"] for each in claims} == {each["sub"] for each in claims} == {CLIENT_ID}


def test_the_header_names_the_key_and_its_certificate(make, idp):
    make(KEYS["RSA"]).sign_in()
    [params] = _sent(idp)
    header = jwt.decode(params["client_assertion"], RSA, algorithms=["PS256"]).header
    assert header == {"alg": "PS256", "typ": "JWT", "kid": "key-8", "x5t#S256": "A1bC2dE3"}


def test_no_secret_and_no_basic_header_goes_along(make, idp):
    make().sign_in()
    [seen] = idp.asked("/token")
    assert "client_secret" not in seen.params
    assert "authorization" not in seen.headers


def test_the_key_is_in_no_repr(make):
    login = make()
    private = EC.as_dict(private=True)["d"]
    texts = [repr(KEYS["EC"]), repr(login.client._settings), str(dataclasses.asdict(KEYS["RSA"]))]
    assert not [text for text in texts if private in text]


def test_scopes_are_repeated_where_the_token_endpoint_wants_them(make_login, idp):
    make_login().sign_in()
    make_login(token_request_scope=True).sign_in()
    first, second = _sent(idp)
    assert "scope" not in first
    assert second["scope"] == "openid profile email"


def test_what_is_kept_is_asked_for_only_where_it_is_kept(make_login):
    from urllib.parse import parse_qs, urlsplit

    login = make_login(
        offline_scopes=("offline_access",), offline_params={"prompt": "consent", "a": "b"}
    )

    def query(**asked):
        return parse_qs(urlsplit(login.url(**asked)).query)

    assert query()["scope"] == ["openid profile email"]
    assert "prompt" not in query()
    kept = query(kept_scopes=("repo", "email"))
    assert kept["scope"] == ["openid profile email repo offline_access"]
    assert (kept["prompt"], kept["a"]) == (["consent"], ["b"])
    assert query(kept_scopes=(), prompt="login")["prompt"] == ["login consent"]

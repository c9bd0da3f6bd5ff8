from base64 import b64encode
from dataclasses import replace
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.oauth import client_auth
from authserver.oauth.client import secret_digest
from authserver.oauth.client_auth import Credentials
from authserver.oauth.errors import OAuthError
from tests.oauth.samples import CLIENT, ISSUER, NOW, attempt, params, refused

SECRET = "mcpas_cs_canary"
CONFIDENTIAL = replace(
    CLIENT,
    token_endpoint_auth_method="client_secret_basic",
    secret_digest=secret_digest(SECRET),
)
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


def basic(text, scheme="Basic"):
    encoded = text if isinstance(text, bytes) else text.encode()
    return f"{scheme} {b64encode(encoded).decode()}"


def challenged(error):
    return dict(error.headers).get("WWW-Authenticate", "").startswith("Basic ")


@pytest.mark.spec("RFC 6749", "2.3.1")
def test_the_basic_example_of_the_specification():
    found = client_auth.parse("Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3", params())
    assert (found.client_id, found.method) == ("s6BhdRkqt3", "client_secret_basic")
    assert "7Fjfp0ZBr1KtDRbnfVdmIw" in found.secrets


@pytest.mark.spec("RFC 6749", "2.3.1")
def test_the_body_example_of_the_specification():
    found = client_auth.parse(
        None, params(client_id="s6BhdRkqt3", client_secret="7Fjfp0ZBr1KtDRbnfVdmIw")
    )
    assert found == Credentials("s6BhdRkqt3", "client_secret_post", ("7Fjfp0ZBr1KtDRbnfVdmIw",))


def test_a_public_client_names_itself():
    assert client_auth.parse(None, params(client_id="mcp-1")) == Credentials("mcp-1", "none")
    assert client_auth.parse(None, params(client_id="mcp-1", client_secret="")).method == "none"


@given(TEXT, st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_form_encoded_credentials_are_decoded(client_id, secret):
    header = basic(f"{quote_plus(client_id)}:{quote_plus(secret)}")
    if len(header) > client_auth.MAX_HEADER:
        return
    found = client_auth.parse(header, params(client_id=client_id))
    assert found.client_id == client_id
    assert secret in found.secrets


@pytest.mark.spec("OAuth 2.1", "2.4.1")
@pytest.mark.parametrize("secret", ["a:b", "a%b", "a+b", "a b", "100%", "%41", "é", "a=b&c"])
def test_a_secret_works_form_encoded_and_raw(secret):
    client = replace(CONFIDENTIAL, secret_digest=secret_digest(secret))
    for spelled in (quote_plus(secret), secret):
        credentials = client_auth.parse(basic(f"mcp-1:{spelled}"), params())
        assert client_auth.check(client, credentials, ISSUER, NOW) == (client, None)


@pytest.mark.parametrize("scheme", ["basic", "BASIC", "Basic", "Basic "])
def test_the_scheme_is_read_without_its_case(scheme):
    assert client_auth.parse(basic("a:b", scheme), params()).client_id == "a"


def test_the_same_client_id_in_the_body_is_not_a_second_method():
    assert client_auth.parse(basic("mcp-1:s"), params(client_id="mcp-1")).client_id == "mcp-1"
    assert client_auth.parse(basic("a%2Bb:s"), params(client_id="a+b")).client_id == "a+b"


def test_another_client_id_in_the_body_is_refused():
    with refused("invalid_request"):
        client_auth.parse(basic("mcp-1:s"), params(client_id="mcp-2"))


@pytest.mark.spec("OAuth 2.1", "2.4")
@pytest.mark.parametrize(
    ("authorization", "body"),
    [
        (basic("a:s"), {"client_secret": "s"}),
        (basic("a:s"), {"client_assertion": "x"}),
        (basic("a:s"), {"client_assertion_type": "x"}),
        (None, {"client_secret": "s", "client_assertion": "x"}),
        ("", {"client_secret": "s"}),
        ("Bearer x", {"client_secret": "s", "client_id": "a"}),
    ],
)
def test_two_methods_at_once_are_refused(authorization, body):
    with refused("invalid_request"):
        client_auth.parse(authorization, params(**body))


def test_what_is_not_supported_or_missing_is_refused():
    for body in ({"client_assertion": "x"}, {"client_assertion_type": "x"}, {}, {"client_id": ""}):
        with refused("invalid_client") as caught:
            client_auth.parse(None, params(**body))
        assert (caught.value.status, caught.value.headers) == (401, ())


@pytest.mark.parametrize(
    "header",
    [
        "", " ", "Basic", "Basic ", "Basic  ", "Basic :", "Basic !!!", "Basic a", "Basic YTpi\n",
        "Basic YT pi", "Basic YTpi=", "Basic YTpiYw", "Basic YTpiYz==", "Basic =YTpi",
        "Basic YTpiYy==YTpi", "Basic é", "Basic \ud800", "Basic YTpi\0", "\0", "Bearer YTpi",
        "YTpi", "Basic,YTpi", "Basic\tYTpi", basic("no colon"), basic(":secret"), basic(""),
        basic("%00:x"), basic("a\0:x"), basic("a:\0"), basic("a:%00"), basic(b"\xff\xfe:x"),
        basic(b"a:\xc3\x28"), basic(b"\xed\xa0\x80:x"), "Basic " + "A" * 10_240,
        basic("a:" + "b" * 10_240), "Basic YTpi-_", "DPoP x",
    ],
    ids=lambda header: repr(header)[:30],
)  # fmt: skip
def test_a_malformed_header_is_refused_with_a_challenge(header):
    with refused("invalid_client") as caught:
        client_auth.parse(header, params())
    assert caught.value.status == 401
    assert challenged(caught.value)


@given(st.text() | st.text().map("Basic ".__add__) | st.binary().map(basic))
def test_any_header_is_credentials_or_a_refusal(header):
    found = attempt(client_auth.parse, header, params())
    if isinstance(found, OAuthError):
        assert found.code == "invalid_client"
    else:
        assert found.client_id


@pytest.mark.parametrize("escape", ["%", "%zz", "%ff", "%ED%A0%80"])
def test_a_broken_escape_is_somebody_elses_secret(escape):
    credentials = client_auth.parse(basic(f"mcp-1:{escape}"), params())
    with refused("invalid_client"):
        client_auth.check(CONFIDENTIAL, credentials, ISSUER, NOW)


def offered(method, secret=None):
    return Credentials("mcp-1", method, () if secret is None else (secret,))


@pytest.mark.parametrize(
    ("registered", "credentials"),
    [
        ("none", offered("none")),
        ("client_secret_basic", offered("client_secret_basic", SECRET)),
        ("client_secret_post", offered("client_secret_post", SECRET)),
    ],
)
def test_the_registered_method_with_the_right_secret_is_accepted(registered, credentials):
    client = replace(CONFIDENTIAL, token_endpoint_auth_method=registered)
    assert client_auth.check(client, credentials, ISSUER, NOW) == (client, None)


WRONG = [
    (CLIENT, offered("client_secret_basic", SECRET)),
    (CLIENT, offered("client_secret_post", SECRET)),
    (CLIENT, offered("client_secret_basic", "")),
    (CONFIDENTIAL, offered("none")),
    (CONFIDENTIAL, offered("client_secret_post", SECRET)),
    (CONFIDENTIAL, offered("client_secret_basic", "wrong")),
    (CONFIDENTIAL, offered("client_secret_basic", "")),
    (CONFIDENTIAL, offered("client_secret_basic")),
    (CONFIDENTIAL, offered("client_secret_basic", secret_digest(SECRET))),
    (replace(CONFIDENTIAL, secret_digest=None), offered("client_secret_basic", "")),
    (replace(CONFIDENTIAL, secret_digest=None), offered("client_secret_basic", SECRET)),
    (None, offered("none")),
    (None, offered("client_secret_basic", SECRET)),
    (None, offered("client_secret_basic", "")),
    (None, offered("client_secret_post", SECRET)),
]


@pytest.mark.spec("OAuth 2.1", "3.2.4")
@pytest.mark.parametrize(("client", "credentials"), WRONG)
def test_every_failure_looks_the_same_from_outside(client, credentials):
    with refused("invalid_client") as caught:
        client_auth.check(client, credentials, ISSUER, NOW)
    error = caught.value
    assert error.members() == {
        "error": "invalid_client",
        "error_description": "Client authentication failed.",
    }
    assert error.status == 401
    assert challenged(error) is (credentials.method == "client_secret_basic")


def test_only_the_audit_learns_why():
    details = set()
    for client, credentials in WRONG:
        with refused("invalid_client") as caught:
            client_auth.check(client, credentials, ISSUER, NOW)
        details.add(caught.value.detail)
    assert details == {
        "unknown client",
        "method differs from the registered one",
        "wrong secret",
    }


def test_a_secret_stays_out_of_the_representation():
    assert "canary" not in repr(client_auth.parse(basic(f"mcp-1:{SECRET}"), params()))

import pytest

from authserver.oauth.client import RegistrationPolicy, parse
from tests.oauth.samples import refused

MINIMAL: dict[str, object] = {"redirect_uris": ["http://127.0.0.1:1/cb"]}
SUPPORTED = ("mcp:read", "mcp:write")
PUBLIC_KEY = {"kty": "EC", "crv": "P-256", "x": "x", "y": "y"}


def parsed(**members):
    return parse({**MINIMAL, **members}, RegistrationPolicy(scopes_supported=SUPPORTED))


@pytest.mark.spec("RFC 7591", "3.2.2")
@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("client_name", 5), ("client_name", {}), ("client_name", ["a"]), ("client_name", True),
        ("client_name", "\u0958" * 200),
        ("client_name", "a" * 257), ("client_name", "a" * 1_000_000),
        ("grant_types", 5), ("grant_types", "authorization_code"), ("grant_types", [[]]),
        ("grant_types", {}), ("grant_types", [None]), ("response_types", "code"),
        ("response_types", [1]), ("response_types", {"code": 1}),
        ("scope", ["mcp:read"]), ("scope", [1]), ("scope", 5), ("scope", {}),
        ("scope", 'a"b'), ("scope", "é"), ("scope", "a " * 5000),
        ("token_endpoint_auth_method", 5), ("token_endpoint_auth_method", ["none"]),
        ("token_endpoint_auth_method", {}), ("token_endpoint_auth_method", "None"),
        ("token_endpoint_auth_method", "private_key_jwt"),
        ("token_endpoint_auth_method", "client_secret_jwt"),
        ("token_endpoint_auth_method", "tls_client_auth"),
        ("application_type", 5), ("application_type", []), ("software_id", 5),
        ("software_version", "1" * 257), ("client_uri", 5), ("logo_uri", ["https://a.example/x"]),
        ("tos_uri", {}), ("policy_uri", "https://a.example/" + "a" * 2048), ("jwks_uri", 5),
        ("jwks", 5), ("jwks", {}), ("jwks", []), ("jwks", {"keys": 5}), ("jwks", {"keys": [5]}),
        ("jwks", "{}"),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_a_member_of_a_wrong_type_or_value_refuses_the_client(member, value):
    with refused("invalid_client_metadata"):
        parsed(**{member: value})


@pytest.mark.parametrize(
    "member",
    [
        "client_name", "grant_types", "response_types", "scope", "token_endpoint_auth_method",
        "application_type", "software_id", "client_uri", "jwks", "jwks_uri", "contacts",
        "require_pushed_authorization_requests", "dpop_bound_access_tokens",
    ],
)  # fmt: skip
def test_null_is_absent(member):
    assert parsed(**{member: None}) == parsed()


@pytest.mark.parametrize(
    ("member", "empty"),
    [
        ("client_name", ""), ("client_name", "  "), ("grant_types", []), ("response_types", []),
        ("scope", ""), ("scope", "  "), ("token_endpoint_auth_method", ""),
        ("application_type", ""), ("client_uri", ""), ("logo_uri", ""), ("software_id", ""),
    ],
)  # fmt: skip
def test_an_empty_member_is_absent(member, empty):
    assert parsed(**{member: empty}) == parsed()


@pytest.mark.spec("RFC 7591", "2")
@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        (["authorization_code"], ("authorization_code",)),
        (["refresh_token", "authorization_code"], ("authorization_code", "refresh_token")),
        (["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"],
         ("authorization_code",)),
        (["authorization_code", "implicit", "password", "client_credentials"],
         ("authorization_code",)),
    ],
)  # fmt: skip
def test_grant_types_are_reduced_to_those_there_are(asked, granted):
    assert parsed(grant_types=asked).grant_types == granted


@pytest.mark.parametrize("asked", [["implicit"], ["refresh_token"], ["client_credentials"]])
def test_a_client_without_the_code_grant_could_do_nothing(asked):
    with refused("invalid_client_metadata"):
        parsed(grant_types=asked)


def test_response_types_are_code():
    assert parsed(response_types=["code", "token"]).response_types == ("code",)
    with refused("invalid_client_metadata"):
        parsed(response_types=["token"])


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("mcp:read", ("mcp:read",)),
        ("mcp:write unknown mcp:read", ("mcp:write", "mcp:read")),
        ("unknown", None),
        (None, None),
    ],
)
def test_unknown_scopes_are_left_out(asked, granted):
    assert parsed(scope=asked).scope == granted


def test_baseline_scopes_are_added_for_clients_that_ask_for_too_little():
    policy = RegistrationPolicy(scopes_supported=SUPPORTED, default_client_scopes=("mcp:read",))

    def scope_of(asked):
        return parse({**MINIMAL, "scope": asked}, policy).scope

    assert scope_of("mcp:write") == ("mcp:write", "mcp:read")
    assert scope_of("unknown") == ("mcp:read",)
    assert scope_of("mcp:read") == ("mcp:read",)
    assert scope_of("") is None  # may ask for any


def test_a_client_without_a_method_is_public():
    assert parsed().token_endpoint_auth_method == "none"


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("none", "client_secret_post"),
        (None, "client_secret_post"),
        ("client_secret_basic", "client_secret_basic"),
    ],
)
def test_a_client_that_says_none_and_then_wants_a_secret_gets_one(method, expected):
    uri = "https://app.example.com/oauth/callback"
    policy = RegistrationPolicy(confidential_redirect_uris=frozenset({uri}))
    document = {"redirect_uris": [uri], "token_endpoint_auth_method": method}
    assert parse(document, policy).token_endpoint_auth_method == expected
    document["redirect_uris"] = [uri + "/"]
    assert parse(document, policy).token_endpoint_auth_method == (method or "none")


@pytest.mark.spec("RFC 7591", "5")
@pytest.mark.parametrize("member", ["client_uri", "logo_uri", "tos_uri", "policy_uri"])
@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "data:image/svg+xml,<svg onload=alert(1)>", "http://a.example/x",
        "//a.example/x", "/x", "https://localhost/x", "https://intranet/x", "https://10.0.0.1/x",
        "https://169.254.169.254/latest", "https://2130706433/x", "https://0x7f.1/x",
        "https://[::1]/x", "https://a@a.example/x", "https://a.example:b/x", "https://a.example:٣/",
        'https://a.example/"onerror="x', "https://a.example/<x>", "https://a.example/x y",
        "https://a.example/x\n", "https://a.example/é", "https://exämple.com/x", "https://a..b/",
        "https://a.example./x", "https://a.example#f", "https://", "HTTPS://a.example/x",
        "https://a.example/x\\y",
    ],
)  # fmt: skip
def test_a_url_that_is_no_public_web_page_is_left_out(member, url):
    assert parsed(**{member: url}).other == {}


@pytest.mark.parametrize(
    "url",
    [
        "https://code.visualstudio.com", "https://opencode.ai", "https://a.example:8443/x?y=1",
        "https://xn--bcher-kva.example/", "https://a.xn--p1ai/logo.png",
    ],
)  # fmt: skip
def test_a_web_page_is_kept(url):
    assert parsed(client_uri=url, software_id="id-1").other == {
        "client_uri": url,
        "software_id": "id-1",
    }


def test_text_that_would_not_print_is_left_out():
    assert parsed(software_id="a\nb", software_version="\u202e1").other == {}


@pytest.mark.spec("RFC 7591", "2")
def test_keys_must_be_public_and_have_one_source():
    assert parsed(jwks={"keys": [PUBLIC_KEY]}) == parsed()
    assert parsed(jwks={"keys": []}) == parsed()
    assert parsed(jwks_uri="https://a.example/jwks") == parsed()
    with refused("invalid_client_metadata"):
        parsed(jwks={"keys": [PUBLIC_KEY]}, jwks_uri="https://a.example/jwks")


@pytest.mark.parametrize("private", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_a_private_key_is_refused_wherever_it_stands(private):
    with refused("invalid_client_metadata"):
        parsed(jwks={"keys": [PUBLIC_KEY, PUBLIC_KEY | {private: "canary"}]})


DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.mark.spec("RFC 7591", "2")
def test_the_device_grant_is_kept_where_devices_may_be_clients():
    policy = RegistrationPolicy(scopes_supported=SUPPORTED, device=True)
    names = ["authorization_code", DEVICE_CODE, "refresh_token", "password"]
    client = parse({**MINIMAL, "grant_types": names}, policy)
    assert client.grant_types == ("authorization_code", "refresh_token", DEVICE_CODE)
    assert client.redirect_uris == parsed().redirect_uris != ()
    assert parse(MINIMAL, policy) == parsed()


@pytest.mark.parametrize(
    "uris", [{}, {"redirect_uris": []}, {"redirect_uris": ["https://a.example/"]}]
)
def test_a_mere_device_has_no_way_back_whatever_it_says(uris):
    names = {"grant_types": [DEVICE_CODE, "refresh_token"], "response_types": ["code"]}
    client = parse({**names, **uris}, RegistrationPolicy(device=True))
    assert client.redirect_uris == client.response_types == ()
    with refused("invalid_client_metadata"):
        parse({**names, **uris}, RegistrationPolicy())


@pytest.mark.parametrize("names", [["refresh_token"], ["password"]])
def test_some_grant_has_to_ask_a_user(names):
    with refused("invalid_client_metadata"):
        parse({**MINIMAL, "grant_types": names}, RegistrationPolicy(device=True))


@pytest.mark.parametrize(
    ("member", "off"),
    [
        pytest.param(
            "require_pushed_authorization_requests",
            RegistrationPolicy(pushed_requests=False),
            marks=pytest.mark.spec("RFC 9126", "6"),
        ),
        pytest.param(
            "dpop_bound_access_tokens",
            RegistrationPolicy(dpop=False),
            marks=pytest.mark.spec("RFC 9449", "5.2"),
        ),
    ],
)
def test_a_client_is_not_promised_a_protection_that_is_off(member, off):
    assert getattr(parse({**MINIMAL, member: True}, RegistrationPolicy()), member) is True
    assert getattr(parse({**MINIMAL, member: False}, off), member) is False
    with refused("invalid_client_metadata"):
        parse({**MINIMAL, member: True}, off)

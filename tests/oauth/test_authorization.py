from dataclasses import replace
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.oauth import authorization
from authserver.oauth import params as parameters
from authserver.oauth.errors import OAuthError
from authserver.oauth.opaque import CODE_PREFIX, random_value
from authserver.oauth.resource import Resource
from tests.oauth.samples import CHALLENGE, CLIENT, ISSUER, ISSUES, WIKI, attempt, params, refused

LOOPBACK = "http://127.0.0.1:3999/callback"
GOOD = {
    "response_type": "code",
    "client_id": "mcp-1",
    "redirect_uri": LOOPBACK,
    "state": "s",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
    "resource": ISSUES.url,
}
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
NAMES = ["response_type", "code_challenge", "code_challenge_method", "resource", "scope", "prompt",
         "max_age", "state", "nonce", "login_hint", "response_mode", "claims"]  # fmt: skip


def parsed(client=CLIENT, resources=(ISSUES, WIKI), without="", more=(), **changes):
    values = {name: value for name, value in {**GOOD, **changes}.items() if name != without}
    return authorization.parse_request(params(*more, **values), client, LOOPBACK, resources)


def granted(scope=None, registered=None, bound=ISSUES):
    client = replace(CLIENT, scope=registered)
    changes = {} if scope is None else {"scope": scope}
    return parsed(client, resource=bound.url, **changes).scope


def test_a_good_request_is_kept_as_it_will_be_decided():
    request = parsed(
        scope="issues:read", nonce="n", prompt="login consent", max_age="60", login_hint="a@b"
    )
    assert (request.client_id, request.redirect_uri, request.state) == ("mcp-1", LOOPBACK, "s")
    assert (request.resource, request.scope) == (ISSUES.url, ("issues:read",))
    assert request.code_challenge == CHALLENGE
    assert request.redirect_uri_given
    assert (request.nonce, request.max_age, request.login_hint) == ("n", 60, "a@b")
    assert request.prompt == {"login", "consent"}
    assert "nonce" not in repr(request)


def test_what_is_optional_may_be_absent():
    request = parsed(resources=(ISSUES,), without="resource")
    assert request.resource == ISSUES.url
    assert (request.nonce, request.max_age, request.login_hint) == (None, None, None)
    assert request.prompt == frozenset()
    assert parsed(without="state").state is None


@given(st.dictionaries(st.sampled_from(NAMES), TEXT))
def test_any_parameters_are_a_request_or_a_refusal(changes):
    request = attempt(parsed, **changes)
    if not isinstance(request, OAuthError):
        assert request.resource in (ISSUES.url, WIKI.url)
        assert request.scope


# --- the redirect URI, before anything is sent to it ----------------------------------------


def test_a_registered_redirect_uri_is_proven_with_any_port_of_loopback():
    for presented in (LOOPBACK, "http://127.0.0.1:5/callback", "http://127.0.0.1/callback"):
        found = authorization.find_redirect_uri(params(redirect_uri=presented), CLIENT)
        assert found == presented


@pytest.mark.spec("OAuth 2.1", "4.1.2.1")
@pytest.mark.parametrize(
    "presented",
    ["http://127.0.0.1:3999/other", "https://evil.example/", "javascript:alert(1)", "x"],
)
def test_an_unregistered_redirect_uri_is_refused(presented):
    with refused("invalid_request"):
        authorization.find_redirect_uri(params(redirect_uri=presented), CLIENT)


def test_a_repeated_redirect_uri_is_refused_even_where_both_are_registered():
    twice = params(("redirect_uri", LOOPBACK), ("redirect_uri", LOOPBACK))
    with refused("invalid_request"):
        authorization.find_redirect_uri(twice, CLIENT)


@pytest.mark.spec("OAuth 2.1", "2.3.2")
def test_an_omitted_redirect_uri_is_the_only_one_there_is():
    assert authorization.find_redirect_uri(params(), CLIENT) == LOOPBACK
    assert not parsed(without="redirect_uri").redirect_uri_given
    for uris in ((LOOPBACK, "http://localhost/"), (), ("javascript:alert(1)",)):
        with refused("invalid_request"):
            authorization.find_redirect_uri(params(), replace(CLIENT, redirect_uris=uris))


# --- what the client is told ----------------------------------------------------------------


@pytest.mark.spec("OAuth 2.1", "4.1.2.1")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"without": "response_type"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"response_type": 'to"ken'}, "unsupported_response_type"),
        ({"response_type": "Code"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"request": "e30."}, "request_not_supported"),
        ({"request_uri": "https://internal.example/"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"claims": "{}"}, "invalid_request"),
        ({"without": "code_challenge"}, "invalid_request"),
        ({"without": "code_challenge_method"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"without": "resource"}, "invalid_target"),
        ({"resource": "https://unknown.example/"}, "invalid_target"),
        ({"more": (("resource", WIKI.url),)}, "invalid_target"),
        ({"scope": 'issues"'}, "invalid_scope"),
        ({"scope": "é"}, "invalid_scope"),
        ({"scope": "s " * 10_000}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"prompt": "login\u2003consent"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "1.5"}, "invalid_request"),
        ({"max_age": "٣"}, "invalid_request"),
        ({"max_age": "²"}, "invalid_request"),
        ({"max_age": "9" * 10}, "invalid_request"),
        ({"nonce": "n" * 513}, "invalid_request"),
        ({"login_hint": "h" * 257}, "invalid_request"),
        ({"state": "s" * 4097}, "invalid_request"),
        ({"more": (("state", "t"),)}, "invalid_request"),
        ({"more": (("scope", "a"), ("scope", "b"))}, "invalid_request"),
        ({"more": (("unheardof", "a"), ("unheardof", "b"))}, "invalid_request"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_request_that_cannot_be_answered_has_its_code(changes, code):
    with refused(code):
        parsed(**changes)


@pytest.mark.parametrize("name", ["unheardof", "ui_locales", "display", "acr_values"])
def test_unknown_parameters_are_ignored(name):
    assert parsed(**{name: "x"}) == parsed()


@pytest.mark.parametrize("mode", ["", "query"])
def test_the_response_travels_in_the_query(mode):
    assert parsed(response_mode=mode) == parsed()


@pytest.mark.spec("RFC 8707", "2")
def test_the_resource_is_kept_in_its_registered_spelling():
    assert parsed(resource="HTTPS://Issues.Example.com:443/mcp/").resource == ISSUES.url
    assert parsed(more=(("resource", ISSUES.url + "/"),)).resource == ISSUES.url


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [("", set()), ("none", {"none"}), (" login  consent ", {"login", "consent"})],
)
def test_prompt_is_a_set(prompt, expected):
    assert parsed(prompt=prompt).prompt == expected


# --- scope ----------------------------------------------------------------------------------


def test_a_requested_scope_is_granted():
    assert granted("issues:write") == ("issues:write",)
    assert granted("issues:purge") == ("issues:purge",)


def test_unknown_scopes_are_dropped_and_never_an_error():
    assert granted("issues:read bogus wiki:read admin") == ("issues:read",)


@pytest.mark.spec("OAuth 2.1", "3.2.2.1")
@pytest.mark.parametrize("scope", [None, "", "bogus", "wiki:read"])
def test_without_a_scope_of_the_resource_all_that_is_not_sensitive_is_meant(scope):
    assert granted(scope) == ("issues:read", "issues:write")


@pytest.mark.parametrize("scope", [None, "", "bogus"])
def test_without_a_requested_scope_the_registered_one_is_meant(scope):
    assert granted(scope, registered=("issues:write", "wiki:read")) == ("issues:write",)
    assert granted(scope, registered=("issues:purge",)) == ("issues:purge",)


def test_a_registered_scope_is_the_maximum():
    assert granted("issues:read issues:write", ("issues:read", "openid")) == ("issues:read",)
    assert granted("issues:purge", ("issues:read",)) == ("issues:read",)


@pytest.mark.parametrize("registered", [("wiki:read",), ("openid",)])
def test_a_client_registered_for_elsewhere_gets_nothing_sensitive(registered):
    assert granted("issues:purge", registered) == ("issues:read", "issues:write")
    assert granted("issues:read issues:purge", registered) == ("issues:read",)


def test_standard_scopes_are_always_tolerated():
    everything = "openid profile email offline_access"
    assert granted(f"issues:read {everything}") == ("issues:read", *everything.split())
    assert granted("offline_access", ("issues:read",)) == ("issues:read", "offline_access")
    assert granted("offline_access openid") == (
        "issues:read", "issues:write", "offline_access", "openid",
    )  # fmt: skip


def test_standard_scopes_that_are_only_registered_are_not_added():
    assert granted(None, ("issues:read", "openid")) == ("issues:read",)


def test_a_scope_of_the_resource_with_a_standard_name_is_granted_once():
    bound = Resource(
        "k", ISSUES.url, "n", scopes=dict(ISSUES.scopes) | {"email": ISSUES.scopes["issues:read"]}
    )
    assert parsed(resources=(bound,), scope="email").scope == ("email",)


def test_a_resource_without_scopes_needs_none():
    bare = Resource("k", ISSUES.url, "n")
    assert parsed(resources=(bare,)).scope == ()


# --- the response ---------------------------------------------------------------------------


@pytest.mark.spec("RFC 9207", "2")
@given(TEXT.filter(bool))
def test_state_comes_back_as_it_was_sent(state):
    received = parameters.parse(urlsplit("?" + _query(state)).query.encode())
    assert authorization.state_of(received) == state
    url = authorization.response_url("https://a.example/cb", ISSUER, state, {"code": "c"})
    assert dict(parse_qsl(urlsplit(url).query, strict_parsing=True)) == {
        "code": "c",
        "state": state,
        "iss": ISSUER,
    }
    # Also where the client takes a plus for a plus.
    assert unquote(url.partition("&state=")[2].partition("&")[0]) == state
    assert url.isascii()
    assert not set(url) & set(" \"'<>\\^`{|}+")


def _query(state):
    return "state=" + "".join(f"%{octet:02x}" for octet in state.encode())


@pytest.mark.spec("OAuth 2.1", "4.1.2")
@pytest.mark.parametrize(
    "state", ["a" * 4096, "x" * 521, "mGyWnCRX8F0mQ3HUlNBDMA==", '<script>"&%é', "+ +", "%2B", "a"]
)
def test_awkward_states_are_kept(state):
    assert authorization.state_of(params(state=state)) == state
    assert parsed(state=state).state == state


def test_a_state_that_cannot_be_sent_back_is_left_out():
    assert authorization.state_of(params()) is None
    assert authorization.state_of(params(state="a" * 4097)) is None
    assert authorization.state_of(params(("state", "a"), ("state", "b"))) is None


@pytest.mark.spec("OAuth 2.1", "2.3")
@pytest.mark.parametrize(
    ("redirect_uri", "start"),
    [
        ("https://a.example/cb", "https://a.example/cb?code=c&"),
        ("https://a.example/cb?tenant=7", "https://a.example/cb?tenant=7&code=c&"),
        ("https://a.example/cb?", "https://a.example/cb?code=c&"),
        ("https://a.example/cb?a&", "https://a.example/cb?a&code=c&"),
        ("http://localhost:17421", "http://localhost:17421?code=c&"),
        ("com.example.app:/cb", "com.example.app:/cb?code=c&"),
        ("cursor://anysphere.cursor-mcp/cb", "cursor://anysphere.cursor-mcp/cb?code=c&"),
    ],
)
def test_the_clients_own_query_is_kept(redirect_uri, start):
    url = authorization.response_url(redirect_uri, ISSUER, "s", {"code": "c"})
    assert url.startswith(start)
    answers = parse_qs(urlsplit(url).query)
    assert (answers["code"], answers["state"], answers["iss"]) == (["c"], ["s"], [ISSUER])


def test_an_error_carries_issuer_and_state_too():
    members = OAuthError("access_denied", "The user said no.", detail="private").members()
    url = authorization.response_url("https://a.example/cb", ISSUER, None, members)
    assert url == (
        "https://a.example/cb?error=access_denied&error_description=The%20user%20said%20no."
        "&iss=https%3A%2F%2Fauth.example.com"
    )


def test_a_response_is_short_enough_for_a_client_that_reads_one_buffer():
    url = authorization.response_url(
        "http://localhost:17421", ISSUER, "", {"code": random_value(CODE_PREFIX)}
    )
    assert len(url) < 400
    assert len(random_value(CODE_PREFIX)) <= 64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.oauth.errors import OAuthError
from authserver.oauth.redirect_uri import (
    PRIVATE_SCHEMES,
    RedirectPattern,
    RedirectPolicy,
    parse,
    parse_pattern,
)
from tests.oauth.redirect_uris import ACCEPTED, SHAPES
from tests.oauth.samples import attempt

GLOBS = st.text("ab*.", min_size=1, max_size=6)


@pytest.mark.parametrize("raw", ACCEPTED)
def test_what_real_clients_use_is_allowed(raw):
    assert RedirectPolicy().allows(parse(raw))


@pytest.mark.spec("OAuth 2.1", "2.3.1")
@pytest.mark.parametrize(
    ("raw", "allowed"),
    [
        ("cursor://x/cb", True),
        ("vscode-insiders://x/cb", True),
        ("com.example.app:/cb", True),
        ("unheardof://x/cb", False),
        ("Cursor://x/cb", False),
        ("steam://run/1", False),
        ("c:/windows", False),
    ],
)
def test_a_private_scheme_has_a_dot_or_is_listed(raw, allowed):
    assert RedirectPolicy().allows(parse(raw)) is allowed


def test_an_operator_may_list_other_schemes():
    policy = RedirectPolicy(private_schemes=frozenset({"unheardof"}))
    assert policy.allows(parse("unheardof://x/cb"))
    assert not policy.allows(parse("cursor://x/cb"))
    assert "cursor" in PRIVATE_SCHEMES


def test_patterns_hold_for_https_only():
    policy = RedirectPolicy(patterns=(parse_pattern("https://*.example.com/oauth/*"),))
    assert policy.allows(parse("https://app.example.com/oauth/cb"))
    assert not policy.allows(parse("https://elsewhere.example/oauth/cb"))
    assert policy.allows(parse("http://127.0.0.1:5/cb"))
    assert policy.allows(parse("cursor://x/cb"))


@pytest.mark.parametrize(
    ("pattern", "raw", "matches"),
    [
        ("https://*.example.com/oauth/*", "https://a.example.com/oauth/cb", True),
        ("https://*.example.com/oauth/*", "https://a.b.example.com/oauth/x/y", True),
        ("https://*.example.com/oauth/*", "https://a.example.com/oauth/", True),
        ("https://*.example.com/oauth/*", "https://example.com/oauth/cb", False),
        ("https://*.example.com/oauth/*", "https://a.example.com/other/cb", False),
        ("https://*.example.com/oauth/*", "https://evil.example/x.example.com/oauth/cb", False),
        ("https://*.example.com/oauth/*", "https://evil.example?.example.com/oauth/cb", False),
        ("https://*.example.com/oauth/*", "https://a.example.com.evil.example/oauth/cb", False),
        ("https://*.example.com/oauth/*", "https://a.example.com:8443/oauth/cb", False),
        ("https://*.example.com/oauth/*", "https://a.example.com/oauth/cb?next=x", False),
        ("https://*.example.com/oauth/*", "https://a.example.com/oauth/cb?", False),
        ("https://*.example.com/oauth/*", "https://a.EXAMPLE.com/oauth/cb", False),
        ("https://a.example:8443/cb", "https://a.example:8443/cb", True),
        ("https://a.example:8443/cb", "https://a.example/cb", False),
        ("https://a.example:*/cb", "https://a.example:1/cb", True),
        ("https://a.example:*/cb", "https://a.example/cb", True),
        ("https://a.example", "https://a.example", True),
        ("https://a.example", "https://a.example/", True),
        ("https://a.example", "https://a.example/cb", False),
        ("https://a.example/", "https://a.example", True),
        ("https://a*b/cb", "https://a/b/cb", False),
        ("http://localhost/cb", "https://localhost/cb", False),
    ],
)
def test_a_pattern_is_matched_component_by_component(pattern, raw, matches):
    assert parse_pattern(pattern).matches(parse(raw)) is matches


@given(GLOBS, GLOBS, SHAPES | st.builds("https://{}/{}".format, GLOBS, GLOBS))
def test_no_wildcard_crosses_a_component(host, path, raw):
    pattern = RedirectPattern("https", host, "", f"/{path}")
    uri = attempt(parse, raw)
    if not isinstance(uri, OAuthError) and pattern.matches(uri):
        assert raw in (f"https://{uri.host}{uri.path}", f"https://{uri.host}")
        assert _fits(host, uri.host)
        assert _fits(f"/{path}", uri.path or "/")


def _fits(glob, text):
    """Whether the pieces between the wildcards stand in the text, in order: a judge of its own."""
    first, *others = glob.split("*")
    if not others:
        return glob == text
    if not text.startswith(first) or not text.endswith(others[-1]):
        return False
    rest = text[len(first) : len(text) - len(others[-1])]
    for piece in others[:-1]:
        at = rest.find(piece)
        if at < 0:
            return False
        rest = rest[at + len(piece) :]
    return len(text) >= len(first) + len(others[-1])


@pytest.mark.parametrize(
    "text",
    [
        "", "*", "https://", "*://example.com/cb", "ftp://example.com/cb", "javascript:*",
        "https://a@example.com/cb", "https://*@example.com/cb", "https://example.com/cb#f",
        "https://example.com/cb?x=*", "https://example.com/[ab]", "https://[ab].example/cb",
        "https://example.com/../cb", "https://example.com/%2e%2e/*", "https://example.com//*",
        "https://example.com:x/cb", "https://example.com:٣/cb", "https://example.com:123456/",
        "https://example.com/a b", "https://example.com/cb\n", "https://exämple.com/cb",
        "https://example.com/é", "https://.example.com/cb", "https://*..example.com/cb",
        "https://" + "*." * 9 + "example.com/", "https:example.com", "example.com/cb",
    ],
)  # fmt: skip
def test_a_pattern_that_nothing_could_match_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parse_pattern(text)

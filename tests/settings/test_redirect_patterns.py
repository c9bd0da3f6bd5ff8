"""Allowed redirect URI patterns: no wildcard leaves its component"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.oauth import redirect_uri
from authserver.oauth.errors import OAuthError
from authserver.settings.origin import Origin
from authserver.settings.redirect import read_pattern

LABEL = st.text("abcxyz0-", min_size=1, max_size=5).filter(lambda s: s.strip("-") == s)
HOST = st.builds(
    lambda labels, end: ".".join([*labels, end]),
    st.lists(LABEL, min_size=1, max_size=3),
    st.sampled_from(["test", "example.com"]),
)
SEGMENT = st.text("abcxyz.%2eE-_~;:@,", max_size=6)
PATH = st.lists(SEGMENT, max_size=4).map(lambda parts: "".join(f"/{part}" for part in parts))
PORT = st.one_of(st.just(""), st.integers(1, 65535).map(lambda port: f":{port}"))
QUERY = st.one_of(st.just(""), PATH.map(lambda path: f"?next={path}"))
HOSTILE = st.sampled_from(
    ["", "user@", "a.example.com@", "a.example.com/", "a.example.com\\", "a.example.com#", "x?"]
)
URI = st.builds(
    lambda scheme, hostile, host, port, path, query: f"{scheme}://{hostile}{host}{port}{path}{query}",
    st.sampled_from(["https", "http", "HTTPS", "cursor"]), HOSTILE, HOST, PORT, PATH, QUERY,
)  # fmt: skip


def _pattern(text, tmp_path=None):
    return read_pattern(text, Origin(tmp_path))


def _parsed(uri):
    try:
        return redirect_uri.check_registrable(uri)
    except OAuthError:
        return None


@given(URI)
def test_a_wildcard_host_matches_nothing_but_hosts_below_it(uri):
    pattern, parsed = _pattern("https://*.example.com/*"), _parsed(uri)
    if parsed is not None and pattern.matches(parsed):
        rest = uri.removeprefix("https://")
        authority = rest.partition("/")[0].partition("?")[0]
        assert uri.startswith("https://")
        assert authority.endswith(".example.com")
        assert not set("@\\#:") & set(authority)


def test_the_property_above_sees_uris_that_match():
    parsed = _parsed("https://a.b.example.com/x?next=/y")
    assert parsed is not None
    assert not _pattern("https://*.example.com/*").matches(parsed)
    assert _pattern("https://*.example.com/*").matches(_parsed("https://a.b.example.com/x/y"))


@given(HOST, PATH, PORT, QUERY)
def test_a_host_elsewhere_never_matches_whatever_its_path_says(host, path, port, query):
    pattern = _pattern("https://app.example.com:*/oauth/*")
    for uri in (
        f"https://{host}{port}{path}/app.example.com/oauth/x{query}",
        f"https://{host}{port}/oauth/x?u=https://app.example.com/oauth/x",
        f"https://app.example.com.{host}{port}/oauth/x",
        f"https://app.example.com@{host}{port}/oauth/x",
        f"https://{host}.app.example.com{port}/oauth/x",
    ):
        parsed = _parsed(uri)
        assert parsed is None or not pattern.matches(parsed)


@given(HOST, PATH)
def test_a_wildcard_path_reads_no_query_and_a_wildcard_port_no_path(host, path):
    pattern = _pattern(f"https://{host}:*/callback")
    for uri in (f"https://{host}:1{path}/x?/callback", f"https://{host}/x/callback"):
        parsed = _parsed(uri)
        assert parsed is None or not pattern.matches(parsed)


@given(HOST, st.integers(1, 65535), PATH.map(lambda path: f"/a{path}"))
def test_what_a_pattern_allows_matches(host, port, path):
    parsed = _parsed(f"https://x.{host}:{port}{path}")
    if parsed is not None:
        assert _pattern(f"https://*.{host}:*/*").matches(parsed)
        assert _pattern(f"https://*.{host}:{port}/a*").matches(parsed)
        assert not _pattern(f"https://*.{host}/*").matches(parsed)


@pytest.mark.parametrize(
    "pattern",
    [
        "*",
        "https://*/x#y",
        "https://a.example.com/x?y=*",
        "https://user@a.example.com/x",
        "https://a.example.com:x/",
        "https://a.example.com:0/",
        "https://a.example.com:65536/",
        "https://a.example.com/[ab]",
        "https://a example.com/",
        "*://a.example.com/",
        "javascript:*",
        "//a.example.com/",
        "http://a.example.com/*",
        "https://" + "*" * 9 + "/",
        "",
    ],
)
def test_a_bad_pattern_stops_the_start(problems, pattern):
    (problem,) = problems({"registration/allowed_redirect_uri_patterns": [pattern]})
    assert problem.key == "registration.allowed_redirect_uri_patterns[0]"
    assert problem.remedy


def test_a_pattern_that_is_no_text_stops_the_start(problems):
    (problem,) = problems({"registration/allowed_redirect_uri_patterns": [5]})
    assert "is not a pattern" in problem.message

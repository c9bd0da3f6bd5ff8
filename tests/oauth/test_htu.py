import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.oauth import htu

URL = "https://auth.example/token"
SEGMENTS = st.lists(
    st.text(alphabet=string.ascii_letters + string.digits + "-._~!$&'()*+,;=:@", max_size=8),
    max_size=5,
)
URLS = st.builds(
    lambda scheme, host, port, segments: f"{scheme}://{host}{port}/{'/'.join(segments)}",
    st.sampled_from(["http", "https"]),
    st.sampled_from(["auth.example", "127.0.0.1", "[::1]", "a-b.c.example"]),
    st.sampled_from(["", ":8443", ":80", ":443"]),
    SEGMENTS,
)


@pytest.mark.spec("RFC 9449", "4.3")
@pytest.mark.parametrize("spelled", [
    "https://auth.example/token",
    "HTTPS://AUTH.example/token",
    "https://auth.example:443/token",
    "https://auth.example:0443/token",
    "https://auth.example:/token",
    "https://auth.example/token?a=b",
    "https://auth.example/token#a",
    "https://auth.example/token?a#b?c",
    "https://auth.example/%74oken",
    "https://auth.example/./token",
    "https://auth.example/a/../token",
    "https://auth.example/../token",
])  # fmt: skip
def test_other_spellings_of_a_url_are_the_same_url(spelled):
    assert htu.matches(spelled, URL)


@pytest.mark.parametrize("other", [
    "http://auth.example/token",
    "https://auth.example:8443/token",
    "https://auth.example/token/",
    "https://auth.example//token",
    "https://auth.example/Token",
    "https://auth.example/token%2F",
    "https://auth.example/tok%65n%00",
    "https://user@auth.example/token",
    "https://auth.example.evil.example/token",
    "https://auth.example\\@evil.example/token",
    "https://auth.example /token",
    "https://auth.example/token\n",
    "https:///token",
    "https://auth.example:x/token",
    "https://auth.example:123456/token",
    "//auth.example/token",
    "/token",
    "",
    "ftp://auth.example/token",
    "https://auth.example/" + "a" * 5000,
])  # fmt: skip
def test_every_other_url_is_another_one(other):
    assert not htu.matches(other, URL)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", "/"),
        ("/a/b/../c", "/a/c"),
        ("/a/b/..", "/a/"),
        ("/a/.", "/a/"),
        ("/a//b/../c", "/a//c"),
        ("/%7euser/%2f", "/~user/%2F"),
        ("/%2e%2E/a", "/a"),
    ],
)
def test_paths_are_taken_apart_as_the_rfc_does(path, expected):
    assert htu.normalized(f"https://auth.example{path}") == f"https://auth.example{expected}"


@given(URLS)
def test_the_one_spelling_is_its_own(url):
    normal = htu.normalized(url)
    assert normal is not None
    assert htu.normalized(normal) == normal
    assert htu.matches(url, normal)


@given(URLS, st.text(max_size=20).filter(lambda text: not {"\n"} & set(text)))
def test_query_and_fragment_never_matter(url, rest):
    assert htu.matches(f"{url}?{rest}", url)
    assert htu.matches(f"{url}#{rest}", url)


@given(URLS, st.data())
def test_encoding_what_needs_no_encoding_changes_nothing(url, data):
    start = url.index("/", 8)
    places = [i for i in range(start, len(url)) if url[i].isalnum() and url[i].isascii()]
    if places:
        at = data.draw(st.sampled_from(places))
        encoded = f"{url[:at]}%{ord(url[at]):02x}{url[at + 1 :]}"
        assert htu.matches(encoded, url)


@given(URLS, URLS)
def test_two_urls_are_one_only_where_scheme_and_host_are(first, second):
    if htu.matches(first, second):
        assert first.split("/")[2].split(":")[0] == second.split("/")[2].split(":")[0]
        assert first.partition(":")[0] == second.partition(":")[0]


@given(st.text(max_size=60))
def test_whatever_it_is_there_is_an_answer(text):
    assert htu.normalized(text) is None or htu.matches(text, text)

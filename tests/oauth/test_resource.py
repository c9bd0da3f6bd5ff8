import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.oauth import resource
from authserver.oauth.resource import Resource
from tests.oauth.samples import ISSUER, ISSUES, WIKI, refused

BOTH = (ISSUES, WIKI)
PARTS = st.lists(
    st.sampled_from(["https", "HTTP", "://", "h", "Example.com", ":443", ":80", ":", "/", "mcp",
                     "?", "x=/", "#", "@", "[::1]", "%2F", "..", "\\", " "]),
    max_size=10,
).map("".join)  # fmt: skip


@given(st.text() | PARTS | PARTS.map("https://h".__add__))
def test_the_canonical_form_is_its_own_canonical_form(uri):
    found = resource.canonical(uri)
    assert found is None or resource.canonical(found) == found


@given(PARTS.map("https://h".__add__), PARTS.map("https://h".__add__))
def test_what_a_uri_names_does_not_depend_on_which_of_two_is_registered(left, right):
    def names(registered, presented):
        return resource.find([Resource("k", registered, "n")], presented) is not None

    assert names(left, right) == names(right, left)


@pytest.mark.parametrize(
    ("registered", "presented"),
    [
        ("https://h.example/mcp", "https://h.example/mcp/"),
        ("https://h.example/mcp/", "https://h.example/mcp"),
        ("https://h.example", "https://h.example/"),
        ("https://h.example", "HTTPS://H.EXAMPLE:443/"),
        ("https://h.example/mcp", "https://H.example:443/mcp"),
        ("http://localhost:80/mcp", "http://LOCALHOST/mcp"),
        ("http://127.0.0.1:3000/mcp", "http://127.0.0.1:3000/mcp/"),
        ("https://[2001:DB8::1]/mcp", "https://[2001:db8::1]/mcp"),
        ("https://h.example/mcp?x=1", "https://h.example/mcp/?x=1"),
    ],
)
def test_case_of_scheme_and_host_default_port_and_one_slash_do_not_matter(registered, presented):
    known = Resource("k", registered, "n")
    assert resource.find([known], presented) is known
    assert resource.bind((known,), (presented,)).url == registered
    assert resource.narrow(registered, (presented,)) == registered


@pytest.mark.spec("RFC 8707", "2")
@pytest.mark.parametrize(
    "presented",
    [
        "https://issues.example.com.evil/mcp", "https://issues.example.com/mcp-evil",
        "https://issues.example.com/mcp/../other", "https://issues.example.com/mcp%2f..",
        "https://issues.example.com/mcp/..", "https://issues.example.com/%6dcp",
        "https://issues.example.com/MCP", "https://issues.example.com/mcp//",
        "https://issues.example.com/mcp?", "https://issues.example.com/mcp?x=1",
        "https://issues.example.com/mcp#", "https://issues.example.com/mcp?#",
        "https://issues.example.com/mcp#f", "https://issues.example.com",
        "https://issues.example.com:8443/mcp", "https://issues.example.com:0443/mcp",
        "https://issues.example.com:/mcp", "https://issues.example.com:80/mcp",
        "https://issues.example.com:443:443/mcp", "https://issues.example.com:443@evil/mcp",
        "https://a@issues.example.com/mcp", "https://issues.example.com./mcp",
        "https://issues.example.com\\@evil/mcp", "http://issues.example.com/mcp",
        "//issues.example.com/mcp", "/mcp", "mcp", "issues", "Issue tracker", " ", "*",
        "https://", "https:///mcp", "https:issues.example.com/mcp", "urn:x:y",
        "https://issues.example.com/mcp\n", " https://issues.example.com/mcp",
        "https://issues.example.com/m\tcp", "https://issues.example.com/mcp\u2044",
        "https://\u0131ssues.example.com/mcp", "https://issues。example.com/mcp",
        "https://issues.example.com/mcp" + "/" * 5000, "x" * 5000,
    ],
)  # fmt: skip
def test_every_other_spelling_names_nothing(presented):
    assert resource.find(BOTH, presented) is None
    with refused("invalid_target") as caught:
        resource.bind(BOTH, (presented,))
    assert "example" not in caught.value.description
    with refused("invalid_target"):
        resource.narrow(ISSUES.url, (presented,))


def test_a_slash_inside_a_query_is_not_the_slash_at_the_end_of_the_path():
    known = Resource("k", "https://h.example/mcp?next=/", "n")
    assert resource.find([known], "https://h.example/mcp?next=") is None
    assert resource.find([known], "https://h.example/mcp/?next=/") is known


def test_two_slashes_are_not_twice_one_slash():
    assert resource.canonical("https://h.example/a//") == "https://h.example/a//"
    assert resource.canonical("https://h.example//") == "https://h.example//"


def test_an_omitted_resource_is_the_only_one_there_is():
    assert resource.bind((ISSUES,), ()) is ISSUES
    for several in (BOTH, ()):
        with refused("invalid_target"):
            resource.bind(several, ())


@pytest.mark.spec("RFC 8707", "2")
def test_several_values_must_name_one_resource():
    twice = (ISSUES.url, ISSUES.url + "/")
    assert resource.bind(BOTH, twice) is ISSUES
    for several in ((ISSUES.url, WIKI.url), (ISSUES.url, "https://x"), ("https://x", ISSUES.url)):
        with refused("invalid_target"):
            resource.bind(BOTH, several)


@pytest.mark.spec("RFC 8707", "2.2")
def test_a_token_request_stays_at_the_resource_of_its_grant():
    assert resource.narrow(ISSUES.url, ()) == ISSUES.url
    assert resource.narrow(ISSUES.url, (ISSUES.url, ISSUES.url + "/")) == ISSUES.url
    for presented in ((WIKI.url,), (ISSUES.url, WIKI.url)):
        with refused("invalid_target"):
            resource.narrow(ISSUES.url, presented)


def test_a_resource_that_is_no_url_is_never_named():
    assert resource.narrow("garbage", ()) == "garbage"
    with refused("invalid_target"):
        resource.narrow("garbage", ("garbage",))


@pytest.mark.spec("RFC 9728", "3.1")
@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://h.example", "https://h.example/.well-known/oauth-protected-resource"),
        ("https://h.example/", "https://h.example/.well-known/oauth-protected-resource"),
        ("https://h.example/mcp", "https://h.example/.well-known/oauth-protected-resource/mcp"),
        ("https://h.example/a/b/", "https://h.example/.well-known/oauth-protected-resource/a/b/"),
        (
            "https://h.example:8443/mcp?k=1",
            "https://h.example:8443/.well-known/oauth-protected-resource/mcp?k=1",
        ),
    ],
)
def test_metadata_lives_between_host_and_path(url, expected):
    assert resource.metadata_url(url) == expected


@pytest.mark.spec("RFC 9728", "2")
def test_metadata_says_resource_and_issuer_as_configured():
    assert resource.protected_resource_metadata(ISSUES, ISSUER) == {
        "resource": ISSUES.url,
        "authorization_servers": [ISSUER],
        "bearer_methods_supported": ["header"],
        "resource_name": "Issue tracker",
        "scopes_supported": ["issues:read", "issues:write", "issues:purge"],
    }


def test_metadata_has_no_empty_members():
    bare = Resource("k", "https://h.example/", "n")
    assert "scopes_supported" not in resource.protected_resource_metadata(bare, ISSUER)
    documented = Resource("k", "https://h.example/", "n", documentation="https://docs.example/")
    document = resource.protected_resource_metadata(documented, ISSUER)
    assert document["resource"] == "https://h.example/"
    assert document["resource_documentation"] == "https://docs.example/"


def test_sensitive_scopes_are_not_in_the_default():
    assert ISSUES.default_scope() == ("issues:read", "issues:write")

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.oauth import redirect_uri
from tests.oauth.redirect_uris import ACCEPTED, REFUSED, SHAPES, ascii_start
from tests.oauth.samples import refused

HOSTS = ["localhost", "127.0.0.1", "[::1]"]
TAILS = st.sampled_from(["", "/", "/cb", "/CB", "/cb/", "/cb?x=1", "?", "?x=1", "/?x=1", "/cb?"])
PORTS = st.sampled_from(["", ":80", ":3000", ":65535"])
LOOPBACK = st.builds("http://{}{}{}".format, st.sampled_from(HOSTS), PORTS, TAILS)


def _without_port(raw):
    uri = redirect_uri.parse(raw)
    assert raw.startswith("http://")
    return uri.host, uri.path or "/", "?" in raw, uri.query


@given(st.lists(LOOPBACK | SHAPES | st.sampled_from(ACCEPTED), max_size=4), LOOPBACK | SHAPES)
def test_a_match_is_equal_up_to_the_port_of_loopback(registered, presented):
    found = redirect_uri.match(tuple(registered), presented)
    if found is None:
        return
    assert found == presented
    if presented not in registered:
        readable = [uri for uri in registered if uri.startswith("http://") and _parses(uri)]
        assert _without_port(presented) in map(_without_port, readable)


def _parses(raw):
    return redirect_uri.match((raw,), raw) is not None


@given(st.text())
def test_no_text_breaks_the_match(presented):
    assert redirect_uri.match(("https://example.com/cb", "http://localhost"), presented) is None


@pytest.mark.parametrize("raw", ACCEPTED)
def test_a_registered_uri_matches_itself(raw):
    assert redirect_uri.match((raw,), raw) == raw
    assert redirect_uri.check_registrable(raw).raw == raw


@pytest.mark.parametrize("raw", REFUSED, ids=ascii_start)
def test_what_todays_rules_refuse_matches_nothing_even_where_it_was_registered(raw):
    assert redirect_uri.match((raw,), raw) is None
    assert redirect_uri.match((raw, "http://127.0.0.1/"), "http://127.0.0.1:5/") is not None


@pytest.mark.spec("OAuth 2.1", "4.1.1")
@pytest.mark.parametrize(
    "presented",
    [
        "https://a.example/cb/", "https://a.example/cb?x=1", "https://a.example/cb%2F",
        "https://a.example/CB", "https://a.example/c%62", "HTTPS://A.example/cb",
        "https://A.example/cb", "https://a.example:443/cb", "https://a.example:8443/cb",
        "https://a.example/cb?", "https://a.example/cb;x", "http://a.example/cb",
        "https://a.example", "https://b.example/cb", "https://a.example.evil/cb",
        "https://xa.example/cb", "https://a.example/x/../cb", "https://a.example//cb",
    ],
)  # fmt: skip
def test_off_loopback_only_the_same_string_matches(presented):
    assert redirect_uri.match(("https://a.example/cb",), presented) is None


@pytest.mark.spec("RFC 8252", "7.3")
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("registered", ["", ":80", ":3000"])
@pytest.mark.parametrize("presented", ["", ":80", ":3000", ":1", ":65535"])
def test_the_port_of_loopback_is_free(host, registered, presented):
    known, asked = f"http://{host}{registered}/cb", f"http://{host}{presented}/cb"
    assert redirect_uri.match((known,), asked) == asked


@pytest.mark.spec("RFC 8252", "7.3")
@pytest.mark.parametrize(
    "presented",
    [
        "http://127.0.0.1:3000/", "http://127.0.0.1:3000", "http://127.0.0.1:3000/cb/",
        "http://127.0.0.1:3000/CB", "http://127.0.0.1:3000/cb?x=1", "http://127.0.0.1:3000/cb?",
        "https://127.0.0.1:3000/cb", "http://localhost:3000/cb", "http://[::1]:3000/cb",
        "http://127.1:3000/cb", "http://0x7f.1/cb", "http://2130706433/cb",
        "http://127.000.000.001/cb", "http://[::ffff:127.0.0.1]/cb", "http://localhost./cb",
        "http://127.0.0.1:0080/cb", "http://127.0.0.1:/cb", "http://127.0.0.1:0/cb",
        "http://127.0.0.1:99999/cb", "http://127.0.0.1:-1/cb", "http://127.0.0.1::/cb",
        "http://127.0.0.1:80@evil.com/cb", "http://127.0.0.1.evil.com/cb",
    ],
)  # fmt: skip
def test_all_else_of_a_loopback_uri_is_compared(presented):
    assert redirect_uri.match(("http://127.0.0.1:3000/cb",), presented) is None


def test_an_empty_path_of_loopback_equals_a_slash():
    for registered in ("http://localhost:17421", "http://localhost:17421/"):
        for presented in ("http://localhost:17423", "http://localhost:17423/"):
            assert redirect_uri.match((registered,), presented) == presented
    assert redirect_uri.match(("https://example.com",), "https://example.com/") is None


def test_loopback_by_https_has_no_free_port():
    assert redirect_uri.match(("https://localhost:3000/cb",), "https://localhost:3001/cb") is None


def test_a_private_scheme_is_compared_as_it_is():
    registered = ("cursor://anysphere.cursor-mcp/oauth/callback",)
    for presented in (
        "cursor://anysphere.cursor-mcp/oauth/callback/",
        "Cursor://anysphere.cursor-mcp/oauth/callback",
        "cursor://anysphere.cursor-mcp:1/oauth/callback",
    ):
        assert redirect_uri.match(registered, presented) is None


@pytest.mark.parametrize(
    "query",
    [
        "code=x&state=y", "code", "x=1&state=", "iss=a", "error=b", "error_description=c",
        "error_uri=d", "response=jwt", "c%6fde=x", "%63%6F%64%65=x", "Code=x", "STATE=1",
        "x=1;code=2", "+code=1&iss=2",
    ],
)  # fmt: skip
@pytest.mark.parametrize("base", ["https://example.com/cb", "http://localhost/cb", "cursor://x/cb"])
def test_a_uri_that_already_has_a_parameter_of_the_response_is_not_registered(base, query):
    with refused("invalid_redirect_uri"):
        redirect_uri.check_registrable(f"{base}?{query}")


@pytest.mark.parametrize("query", ["tenant=7", "decode=1", "codes=2", "x=code", "", "a&b"])
def test_any_other_query_is_kept(query):
    raw = f"https://example.com/cb?{query}"
    assert redirect_uri.check_registrable(raw).raw == raw


@pytest.mark.parametrize(
    ("uri", "remembered"),
    [
        ("http://127.0.0.1:3999/cb", "http://127.0.0.1/cb"),
        ("http://localhost:1", "http://localhost/"),
        ("http://[::1]:5/cb?x=1", "http://[::1]/cb?x=1"),
        ("https://app.example:8443/cb", "https://app.example:8443/cb"),
        ("cursor://anysphere.cursor-mcp/oauth/callback",) * 2,
    ],
)
def test_a_decision_about_a_local_app_is_remembered_for_every_port(uri, remembered):
    assert redirect_uri.without_loopback_port(uri) == remembered

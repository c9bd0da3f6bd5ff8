import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.oauth.errors import OAuthError
from authserver.oauth.redirect_uri import MAX_LENGTH, parse
from tests.oauth.redirect_uris import ACCEPTED, REFUSED, SHAPES, ascii_start
from tests.oauth.samples import attempt, refused


@given(st.text() | SHAPES)
def test_any_text_is_a_redirect_uri_or_a_refusal(raw):
    found = attempt(parse, raw)
    if isinstance(found, OAuthError):
        assert found.code == "invalid_redirect_uri"
    else:
        assert found.raw == raw
        assert raw.isascii()
        assert raw.isprintable()
        assert not set(raw) & set(' "#*<>@\\^`{|}')


@pytest.mark.parametrize("raw", ACCEPTED)
def test_what_real_clients_use_is_read_and_kept_as_it_is(raw):
    assert parse(raw).raw == raw


@pytest.mark.spec("OAuth 2.1", "2.3")
@pytest.mark.parametrize("raw", REFUSED, ids=ascii_start)
def test_what_is_malformed_or_hostile_is_refused(raw):
    with refused("invalid_redirect_uri") as caught:
        parse(raw)
    assert caught.value.description.startswith("The redirect URI has ") or (
        caught.value.description == "The redirect URI uses http for a host that is not loopback."
    )


@pytest.mark.parametrize(
    ("raw", "kind", "display"),
    [
        ("https://www.cursor.com/agents/cb", "https", "www.cursor.com"),
        ("https://example.com:8443/cb", "https", "example.com"),
        ("https://xn--bcher-kva.example/cb", "https", "xn--bcher-kva.example"),
        ("https://192.0.2.1/cb", "https", "192.0.2.1"),
        ("https://[2001:db8::1]/cb", "https", "[2001:db8::1]"),
        ("https://127.example.com/cb", "https", "127.example.com"),
        ("https://localhost.example.com/cb", "https", "localhost.example.com"),
        ("http://127.0.0.1:1/cb", "loopback", "127.0.0.1"),
        ("http://localhost", "loopback", "localhost"),
        ("http://[::1]:5/cb", "loopback", "[::1]"),
        ("https://localhost/cb", "loopback", "localhost"),
        ("https://LOCALHOST/cb", "loopback", "LOCALHOST"),
        ("https://app.localhost/cb", "loopback", "app.localhost"),
        ("https://127.0.0.2/cb", "loopback", "127.0.0.2"),
        ("https://[::1]/cb", "loopback", "[::1]"),
        ("cursor://anysphere.cursor-mcp/oauth/callback", "private", "cursor://"),
        ("com.example.app:/cb", "private", "com.example.app://"),
    ],
)
def test_a_redirect_uri_says_where_it_leads(raw, kind, display):
    assert (parse(raw).kind, parse(raw).display) == (kind, display)


def test_the_parts_are_what_is_written():
    uri = parse("https://example.com:8443/cb;v=1?a=%20&b")
    assert (uri.scheme, uri.host, uri.port) == ("https", "example.com", "8443")
    assert (uri.path, uri.query) == ("/cb;v=1", "a=%20&b")


def test_length_is_bounded():
    longest = "https://example.com/" + "a" * (MAX_LENGTH - 20)
    assert parse(longest).raw == longest
    with refused("invalid_redirect_uri"):
        parse(longest + "a")

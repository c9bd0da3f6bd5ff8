"""What stands in front: the address that browsers know"""

import pytest

KEY = "server/authorization_endpoint_base_url"
RIGHT = [
    "https://login.example.com",
    "https://login.example.com:8443/auth",
    "http://localhost:8080",
]
WRONG = [
    ("http://login.example.com", "http for a host", "https://"),
    ("https://login.example.com/", "ends with a slash", "write the URL without"),
    ("https://login.example.com?x=1", "has a query", "write the URL without"),
    ("https://login.example.com#x", "has a fragment", "write the URL without"),
    ("https://u@login.example.com", "user information", "write the URL without"),
    ("https://Login.example.com", "capitals", "lower case"),
    ("https://login.example.com:443", "default port", "write https://login.example.com"),
    ("https://login.example.com/a/../b", "dot segments", "without"),
    ("javascript:alert(1)", "not a URL", "https://"),
    ("", "not a URL", "https://"),
    (5, "not a URL", "https://"),
]


@pytest.mark.parametrize("url", RIGHT)
def test_pages_and_the_redirect_uri_begin_with_the_address_that_browsers_know(settings, url):
    read = settings({KEY: url})

    assert read.pages_url == url
    assert read.redirect_uri == f"{url}/callback"
    assert read.issuer == "https://auth.example.com"


def test_where_none_is_written_it_is_the_issuer(settings):
    assert settings({}).pages_url == settings({}).issuer


@pytest.mark.parametrize(("url", "message", "remedy"), WRONG)
def test_any_other_address_is_refused_with_what_to_write(problems, url, message, remedy):
    (problem,) = problems({KEY: url})

    assert problem.key == "server.authorization_endpoint_base_url"
    assert message in problem.message
    assert remedy in problem.remedy

"""URLs of strangers: one spelling each, and what lies inside by its name"""

import pytest

from authserver.oauth import stranger_url
from authserver.oauth.client_document import Publishers


def test_a_url_is_read_in_its_parts():
    found = stranger_url.parse("https://a.example.com:8443/x/y")
    assert found is not None
    assert (found.host, found.netloc) == ("a.example.com", "a.example.com:8443")
    assert found.path == "/x/y"


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example.com/k", "https://a.example.com:443/k", "https://a.example.com/k?x",
        "https://a.example.com/a/../k", "https://[::1]/k", "https://10.0.0.1/k", "https://host/k",
        "https://a.example.com/" + "k" * 500, "",
    ],
)  # fmt: skip
def test_any_other_spelling_is_none(url):
    assert stranger_url.parse(url) is None


def test_what_lies_inside_by_its_name_or_port_has_to_be_named():
    inside = Publishers(private_hosts=frozenset({"a.corp.internal", "b.example.com:8443"}))
    for url, reached in (
        ("https://a.example.com/k", True),
        ("https://a.corp.internal/k", True),
        ("https://b.example.com:8443/k", True),
        ("https://c.corp.internal/k", False),
        ("https://c.example.com:8443/k", False),
        ("https://printer.local/k", False),
    ):
        found = stranger_url.parse(url)
        assert found is not None
        assert inside.reaches(found) is reached

import pytest

from authserver.oauth import target
from authserver.oauth.target import Target
from tests.oauth.samples import ISSUES, WIKI, params, refused

RESOURCES = (ISSUES, WIKI)
SERVICES = frozenset({"crm"})


def found(*pairs):
    return target.find(params(*pairs), RESOURCES, SERVICES)


@pytest.mark.spec("RFC 8693", "2.1")
@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([("resource", WIKI.url)], Target("wiki", WIKI)),
        ([("resource", "HTTPS://WIKI.example.com:443/mcp/")], Target("wiki", WIKI)),
        ([("audience", WIKI.url)], Target("wiki", WIKI)),
        ([("audience", "wiki")], Target("wiki", WIKI)),
        ([("resource", WIKI.url), ("audience", "wiki")], Target("wiki", WIKI)),
        ([("audience", "wiki"), ("audience", "wiki")], Target("wiki", WIKI)),
        ([("audience", "upstream")], Target("upstream")),
        ([("audience", "crm")], Target("crm")),
    ],
    ids=str,
)
def test_a_target_goes_by_its_url_or_its_name(pairs, expected):
    assert found(*pairs) == expected


@pytest.mark.spec("RFC 8693", "2.2.2")
@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [("audience", "Wiki")],
        [("audience", "nowhere")],
        [("resource", "wiki")],
        [("resource", f"{WIKI.url}#x")],
        [("resource", "https://wiki.example.com.evil/mcp")],
        [("resource", WIKI.url), ("audience", "issues")],
        [("audience", "wiki"), ("audience", "issues")],
        [("audience", "wiki"), ("audience", "upstream")],
        [("audience", "wiki"), ("audience", "nowhere")],
        [("resource", "upstream")],
    ],
    ids=str,
)
def test_no_target_an_unknown_one_and_several_are_refused(pairs):
    with refused("invalid_target"):
        found(*pairs)

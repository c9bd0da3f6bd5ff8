import pytest

from authserver.oauth import anchor
from authserver.oauth.anchor import Anchor, Link
from tests.oauth.samples import ISSUES, WIKI

FIRST = Link(ISSUES.url, ("issues:read",), "jti-1")
SECOND = Link(WIKI.url, (), "jti-2")
CLAIMS = {
    "aud": "https://notes.example.com/mcp", "scope": "notes:read", "jti": "jti-3",
    "grant_id": "grant-1", "via": [FIRST.claim(), SECOND.claim()],
}  # fmt: skip


@pytest.mark.parametrize(
    "root", [Anchor("grant-1"), Anchor(client_id="chat", epochs=7)], ids=["grant", "subject"]
)
def test_the_root_of_a_token_is_read_as_it_was_written(root):
    assert anchor.read(root.claims()) == root


@pytest.mark.parametrize("claims", [{}, {"anchor": "chat"}, {"anchor": None}], ids=str)
def test_a_token_of_ours_always_names_its_root(claims):
    with pytest.raises(TypeError):
        anchor.read(claims)


def test_a_token_knows_every_token_before_it_and_what_each_could_do():
    assert anchor.via(CLAIMS) == (FIRST, SECOND)
    assert anchor.link(CLAIMS) == Link("https://notes.example.com/mcp", ("notes:read",), "jti-3")


@pytest.mark.spec("RFC 7009", "2.1")
def test_a_token_falls_with_itself_and_with_each_before_it():
    assert anchor.jtis(CLAIMS) == ("jti-3", "jti-1", "jti-2")
    assert anchor.jtis({"jti": "only"}) == ("only",)


def test_via_is_a_list():
    with pytest.raises(TypeError):
        anchor.via({"via": {"jti": "x"}})

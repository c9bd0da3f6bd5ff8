"""Servers elsewhere that take our identity assertions, and what these say"""

from dataclasses import replace

import pytest

from authserver.oauth import downstream_server
from authserver.oauth.act import Party
from authserver.oauth.anchor import Anchor
from authserver.oauth.downstream_server import Addressee, DownstreamServer
from authserver.oauth.errors import OAuthError
from authserver.oauth.exchange import Exchange, Subject
from tests.oauth.samples import ISSUER, NOW, params

THERE = "https://mcp.partner.example/mcp"
PARTNER = DownstreamServer(
    "partner", "https://auth.partner.example", {"issues": "issues-there"}, (THERE,)
)
OTHER = DownstreamServer("other", "https://auth.other.example", {}, (f"{THERE}/a", f"{THERE}/b"))
SUBJECT = Subject(
    kind="ours",
    source="issues",
    sub="usr-1",
    client_id="mcp-1",
    scope=("issues:read",),
    expires_at=NOW + 900,
    anchor=Anchor("grant-1"),
)
DECIDED = Exchange(SUBJECT, "partner", ("p:read",), (), (Party(ISSUER, "issues"),), ())


def claims(decided=DECIDED, user_claims=()):
    to = Addressee(PARTNER, "issues-there", THERE)
    return downstream_server.assertion_claims(
        decided, to, dict(user_claims), issuer=ISSUER, jti="1", now=NOW
    )


def test_it_is_named_by_its_issuer_or_its_name_alone():
    for named in ({"audience": PARTNER.issuer}, {"audience": "partner"}):
        assert downstream_server.find(params(**named), (PARTNER, OTHER)) == PARTNER
    both = params(("audience", "partner"), ("audience", PARTNER.issuer))
    assert downstream_server.find(both, (PARTNER, OTHER)) == PARTNER
    for pairs in ((), (("audience", "partner"), ("audience", "other")), (("audience", "x"),),
                  (("audience", "partner"), ("audience", "x"))):  # fmt: skip
        with pytest.raises(OAuthError) as refused:
            downstream_server.find(params(*pairs), (PARTNER, OTHER))
        assert refused.value.code == "invalid_target"


def test_for_whom_it_asks_is_known_there():
    found = downstream_server.address(PARTNER, "issues", (f"{THERE}/",))
    assert found == downstream_server.address(PARTNER, "issues", ())
    assert (found.client_id, found.resource) == ("issues-there", THERE)
    for server, requester, named in (
        (PARTNER, "wiki", ()), (PARTNER, "issues", ("https://x.example",)),
        (replace(OTHER, client_ids={"issues": "x"}), "issues", ()),
        (PARTNER, "issues", (THERE, "https://x.example")), (PARTNER, "issues", ("nonsense",)),
    ):  # fmt: skip
        with pytest.raises(OAuthError) as refused:
            downstream_server.address(server, requester, named)
        assert refused.value.code == "invalid_target"


def test_what_an_assertion_says():
    assert claims(user_claims={"email": "ada@example.com", "sub": "x", "aud": "x"}) == {
        "email": "ada@example.com",
        "iss": ISSUER,
        "sub": "usr-1",
        "aud": PARTNER.issuer,
        "client_id": "issues-there",
        "resource": THERE,
        "scope": "p:read",
        "iat": NOW,
        "exp": NOW + 300,
        "jti": "1",
        "act": {"iss": ISSUER, "sub": "issues"},
    }


def test_it_ends_with_the_subject_token_and_keeps_its_sign_in_and_the_askers_key():
    short = replace(SUBJECT, expires_at=NOW + 7, auth_time=NOW - 9)
    found = claims(replace(DECIDED, subject=short, jkt="k"))
    assert (found["exp"], found["auth_time"], found["cnf"]) == (NOW + 7, NOW - 9, {"jkt": "k"})
    assert "act" not in claims(replace(DECIDED, actors=()))

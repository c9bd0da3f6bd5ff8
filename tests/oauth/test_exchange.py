from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.oauth import exchange
from authserver.oauth.act import Party
from authserver.oauth.anchor import Anchor, Link
from authserver.oauth.edge import Edge, Requester
from authserver.oauth.exchange import Subject
from tests.oauth.samples import ISSUER, ISSUES, NOW, WIKI, attempt, refused

OWN = Requester("issues-server", resource="issues")
DELEGATE = Requester(
    "chat",
    targets=frozenset({"wiki", "upstream"}),
    scopes=frozenset({"wiki:read"}),
    source_clients=frozenset({"mcp-1"}),
)
EDGE = Edge(
    "e", "issues-server", "issues", "wiki",
    scopes={"issues:read": ("wiki:read",), "issues:write": ("wiki:read", "wiki:write")},
)  # fmt: skip
SUBJECT = Subject(
    kind="ours",
    source="issues",
    sub="user-1",
    client_id="mcp-1",
    scope=("issues:read",),
    expires_at=NOW + 900,
    anchor=Anchor("grant-1"),
    link=Link(ISSUES.url, ("issues:read",), "jti-1"),
)
FOREIGN = replace(SUBJECT, kind="issuer", source="cluster", link=None, client_id=None, scope=())
AGENT = Party("https://cluster.example", "agent")


def decided(requested=(), requester=OWN, subject=SUBJECT, actor=None, edge=EDGE, audience=WIKI.url):
    return exchange.decide(
        requested, requester, subject, actor, edge, issuer=ISSUER, audience=audience
    )


# --- who may ask ---


def test_a_resources_own_client_exchanges_what_was_made_for_it():
    assert decided().scope == ("wiki:read",)


@pytest.mark.spec("RFC 8693", "2.2.2")
@pytest.mark.parametrize(
    ("requester", "subject"),
    [
        (OWN, replace(SUBJECT, source="wiki")),
        (OWN, replace(FOREIGN, source="issues")),
        (replace(OWN, resource="wiki"), SUBJECT),
        (DELEGATE, replace(SUBJECT, client_id="mcp-2")),
        (DELEGATE, replace(SUBJECT, client_id=None)),
        (replace(DELEGATE, source_clients=frozenset()), SUBJECT),
    ],
)
def test_a_token_that_is_not_the_requesters_to_exchange_is_refused(requester, subject):
    with refused("invalid_request") as caught:
        decided(requester=requester, subject=subject)
    assert "acceptable" in caught.value.description


def test_a_delegate_exchanges_for_whom_it_names_and_for_all_only_where_that_is_written():
    assert decided(requester=DELEGATE).scope == ("wiki:read",)
    anybodys = replace(DELEGATE, source_clients=frozenset({"*"}))
    assert decided(requester=anybodys, subject=replace(SUBJECT, client_id="mcp-2")).scope


def test_a_client_of_another_issuer_is_nobody_of_ours_by_the_same_id():
    way = replace(EDGE, source="cluster", scopes={}, fixed_scopes=("wiki:read",))
    theirs, nobodys = replace(FOREIGN, client_id="mcp-1"), FOREIGN
    ours = replace(SUBJECT, source="cluster", client_id="cluster:mcp-1")
    for named, subject, is_taken in (
        ("mcp-1", theirs, False),
        ("cluster:mcp-1", theirs, True),
        ("cluster:mcp-1", nobodys, False),
        ("cluster:*", theirs, True),
        ("cluster:*", nobodys, True),
        ("other:*", theirs, False),
        ("*", nobodys, True),
        ("cluster:*", ours, False),
    ):
        delegate = replace(DELEGATE, source_clients=frozenset({named}))
        found = attempt(
            exchange.decide, (), delegate, subject, None, way, issuer=ISSUER, audience=WIKI.url
        )
        assert isinstance(found, exchange.Exchange) is is_taken, (named, subject)


def test_a_delegate_stays_with_the_targets_that_it_names():
    with refused("invalid_target"):
        decided(requester=replace(DELEGATE, targets=frozenset({"upstream"})))


# --- who acts ---


@pytest.mark.spec("RFC 8693", "4.1")
def test_the_requester_acts_and_the_actors_before_it_are_kept():
    chain = decided(subject=replace(SUBJECT, actors=(AGENT,))).actors
    assert chain == (Party(ISSUER, "issues-server"), AGENT)


@pytest.mark.spec("RFC 8693", "4.4")
def test_may_act_restricts_further():
    mine = {"iss": ISSUER, "sub": "issues-server"}
    agents = {"iss": AGENT.iss, "sub": AGENT.sub}
    assert decided(subject=replace(SUBJECT, may_act=mine))
    assert decided(subject=replace(SUBJECT, may_act=agents), actor=AGENT)
    others: list[object] = [agents, {"sub": "issues-server"}, {}, "", [], False]
    for may_act in others:
        with refused("invalid_request"):
            decided(subject=replace(SUBJECT, may_act=may_act))


def test_an_actor_is_believed_where_may_act_or_the_way_names_it():
    agents = {"iss": AGENT.iss, "sub": AGENT.sub}
    named = decided(subject=replace(SUBJECT, may_act=agents), actor=AGENT)
    assert named.actors[0] == AGENT
    for way in (replace(EDGE, actors=frozenset({AGENT})), replace(EDGE, any_actor=True)):
        assert decided(actor=AGENT, edge=way).actors[0] == AGENT
    mine = {"iss": ISSUER, "sub": "issues-server"}
    for subject in (SUBJECT, replace(SUBJECT, may_act=mine)):
        with refused("invalid_request"):
            decided(subject=subject, actor=AGENT)
        for other in (Party(AGENT.iss, "x"), Party("https://other.example", AGENT.sub)):
            with refused("invalid_request"):
                decided(subject=subject, actor=AGENT, edge=replace(EDGE, actors=frozenset({other})))


def test_nobody_is_said_to_act_only_where_impersonation_is_configured():
    way = replace(EDGE, impersonate=True)
    assert decided(edge=way).actors == ()
    assert decided(edge=way, subject=replace(SUBJECT, actors=(AGENT,))).actors == (AGENT,)


# --- what it is worth ---


@pytest.mark.parametrize(
    ("held", "requested", "expected"),
    [
        (("issues:read",), (), ("wiki:read",)),
        (("issues:write",), (), ("wiki:read", "wiki:write")),
        (("issues:write",), ("wiki:write",), ("wiki:write",)),
        (("issues:read", "issues:purge", "openid"), (), ("wiki:read",)),
    ],
)
def test_scopes_are_worth_what_the_way_says(held, requested, expected):
    assert decided(requested, subject=replace(SUBJECT, scope=held)).scope == expected


@pytest.mark.spec("RFC 8693", "2.2.2")
@pytest.mark.parametrize(
    ("held", "requested"),
    [
        (("issues:read",), ("wiki:write",)),
        (("issues:read",), ("issues:read",)),
        (("issues:purge",), ()),
        ((), ()),
        (("openid",), ("openid",)),
    ],
)
def test_more_than_that_and_nothing_at_all_is_refused(held, requested):
    with refused("invalid_scope"):
        decided(requested, subject=replace(SUBJECT, scope=held))


def test_a_delegates_scopes_narrow_what_it_gets():
    way = replace(EDGE, scopes={"issues:read": ("wiki:read", "wiki:write")})
    assert decided(requester=DELEGATE, edge=way).scope == ("wiki:read",)
    with refused("invalid_scope"):
        decided(("wiki:write",), requester=DELEGATE, edge=way)


def test_a_way_from_a_foreign_source_has_fixed_scopes():
    way = replace(EDGE, source="cluster", scopes={}, fixed_scopes=("wiki:read", "wiki:write"))
    anybodys = replace(DELEGATE, source_clients=frozenset({"*"}))
    assert decided(requester=anybodys, subject=FOREIGN, edge=way).scope == ("wiki:read",)


def test_going_back_to_an_audience_gives_no_more_than_the_chain_had_there():
    held_before = Link(WIKI.url, ("wiki:read",), "jti-0")
    back = replace(SUBJECT, scope=("issues:write",), via=(held_before,))
    assert decided(subject=back).scope == ("wiki:read",)
    with refused("invalid_scope"):
        decided(("wiki:write",), subject=back)
    with refused("invalid_scope"):
        decided(subject=replace(back, via=(replace(held_before, scope=()),)))


def test_a_chain_remembers_every_token_of_ours_and_ends_after_ten():
    links = tuple(Link(f"https://{n}.example/mcp", (), str(n)) for n in range(10))
    assert decided(subject=replace(SUBJECT, via=links[:9])).via == (*links[:9], SUBJECT.link)
    with refused("invalid_request"):
        decided(subject=replace(SUBJECT, via=links))


def test_what_the_user_may_not_is_not_given():
    found = decided(subject=replace(SUBJECT, scope=("issues:write",)))
    assert found.permitted(("wiki:read",)) == ("wiki:read",)
    with refused("access_denied"):
        found.permitted(None)
    with refused("invalid_scope"):
        decided(("wiki:write",), subject=replace(SUBJECT, scope=("issues:write",))).permitted(())


# --- properties ---

NAMES = ("a", "b", "c")
SCOPES = {name: tuple(f"{name}:{number}" for number in range(3)) for name in NAMES}
URLS = {name: f"https://{name}.example/mcp" for name in NAMES}


@st.composite
def ways(draw, source, target):
    worth = st.lists(st.sampled_from(SCOPES[target]), unique=True).map(tuple)
    scopes = draw(st.dictionaries(st.sampled_from(SCOPES[source]), worth))
    return Edge(f"{source}-{target}", f"{source}-server", source, target, scopes=scopes)


@given(st.data())
def test_along_random_chains_over_random_ways_nothing_is_ever_gained(data):
    drawn = data.draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=8))
    granted = data.draw(st.lists(st.sampled_from(SCOPES[drawn[0]]), unique=True).map(tuple))
    ways_ = {
        (one, other): data.draw(ways(one, other)) for one, other in dict.fromkeys(pairwise(drawn))
    }
    had = {drawn[0]: set(granted)}  # the most that this chain ever had at each audience
    subject = replace(
        SUBJECT, source=drawn[0], scope=granted, link=Link(URLS[drawn[0]], granted, "0")
    )
    for number, (source, target) in enumerate(pairwise(drawn)):
        way = ways_[source, target]
        requested = data.draw(st.lists(st.sampled_from(SCOPES[target]), max_size=2, unique=True))
        found = attempt(
            exchange.decide, tuple(requested), Requester(f"{source}-server", resource=source),
            subject, None, way, issuer=ISSUER, audience=URLS[target],
        )  # fmt: skip
        if isinstance(found, Exception):
            return
        mapped = {each for held in subject.scope for each in way.scopes.get(held, ())}
        assert set(found.scope) <= mapped & had.get(target, mapped)
        assert set(found.scope) >= set(requested)
        had[target] = set(found.scope) & had.get(target, set(found.scope))
        subject = replace(
            subject, source=target, scope=found.scope, via=found.via, actors=found.actors,
            client_id=f"{source}-server", link=Link(URLS[target], found.scope, str(number + 1)),
        )  # fmt: skip
        assert len(subject.via) == number + 1

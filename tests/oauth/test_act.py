import json

import pytest

from authserver.oauth import act
from authserver.oauth.act import MAX_DEPTH, Party
from tests.oauth.samples import ISSUER, refused

US = Party(ISSUER, "issues")
CLUSTER = "https://cluster.example"


@pytest.mark.spec("RFC 8693", "4.1")
def test_the_newest_actor_is_outermost_and_the_others_are_nested():
    claim = act.claim((Party(ISSUER, "wiki"), US))
    assert claim == {"iss": ISSUER, "sub": "wiki", "act": {"iss": ISSUER, "sub": "issues"}}
    assert act.read(claim, ISSUER) == (Party(ISSUER, "wiki"), US)


def test_nobody_who_acts_is_no_claim():
    assert act.claim(()) is None
    assert act.read(None, ISSUER) == ()


def test_a_chain_is_made_anew_of_iss_and_sub_alone():
    chain = {"sub": "a", "exp": 1, "aud": "x", "act": {"iss": ISSUER, "sub": "b", "scope": "all"}}
    assert act.read(chain, CLUSTER) == (Party(CLUSTER, "a"), Party(ISSUER, "b"))


@pytest.mark.parametrize(
    "chain",
    ["issues", [], {}, {"sub": 7}, {"sub": "a", "iss": 7}, {"sub": "a", "act": "b"}],
    ids=str,
)
def test_what_is_no_chain_is_refused(chain):
    with refused("invalid_request"):
        act.read(chain, ISSUER)


def _nested(depth):
    chain: dict[str, object] = {"sub": "first"}
    for number in range(depth - 1):
        chain = {"sub": str(number), "act": chain}
    return chain


def test_a_chain_has_ten_actors_at_most():
    assert len(act.read(_nested(MAX_DEPTH), ISSUER)) == MAX_DEPTH
    with refused("invalid_request"):
        act.read(_nested(MAX_DEPTH + 1), ISSUER)
    with refused("invalid_request"):
        act.claim((US,) * (MAX_DEPTH + 1))
    assert act.claim((US,) * MAX_DEPTH) is not None


def test_a_chain_has_8_kib_at_most():
    fits = (Party(ISSUER, "x" * 4000), Party(ISSUER, "y" * 4000))
    assert len(json.dumps(act.claim(fits))) <= act.MAX_BYTES
    with refused("invalid_request"):
        act.claim((*fits, Party(ISSUER, "z" * 200)))


@pytest.mark.spec("RFC 8693", "4.4")
@pytest.mark.parametrize(
    ("may_act", "named"),
    [
        ({"iss": ISSUER, "sub": "issues"}, True),
        ({"iss": ISSUER, "sub": "wiki"}, False),
        ({"iss": CLUSTER, "sub": "issues"}, False),
        ({"sub": "issues"}, False),
        ({"iss": ISSUER, "sub": "issues", "client_id": "x"}, False),
        ({}, False),
        ("issues", False),
        ([{"iss": ISSUER, "sub": "issues"}], False),
    ],
    ids=str,
)
def test_may_act_names_somebody_by_issuer_and_subject_and_nothing_else(may_act, named):
    assert US.is_named_by(may_act) is named

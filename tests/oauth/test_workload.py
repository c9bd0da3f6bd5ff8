"""Which workload a platform's claims are of"""

import pytest

from authserver.oauth import workload
from authserver.oauth.errors import OAuthError
from authserver.oauth.workload import Workload

ROBOT = Workload("robot", "cluster", {"sub": frozenset({"robot"})}, frozenset({"issues"}))
MAIN = Workload("main", "ci", {"repository": frozenset({"a", "b"}), "ref": frozenset({"main"})})


def test_all_rules_have_to_be_met_and_any_value_of_each_is_enough():
    assert MAIN.admits({"repository": "b", "ref": "main"})
    assert MAIN.admits({"repository": ["x", "a"], "ref": "main"})
    assert not MAIN.admits({"repository": "b"})
    assert not MAIN.admits({"repository": "c", "ref": "main"})
    assert not MAIN.admits({"repository": {"a": 1}, "ref": "main"})


def test_without_a_rule_nobody_is_admitted():
    assert not Workload("open", "ci").admits({"sub": "anybody"})


@pytest.mark.spec("RFC 7523", "3")
def test_it_is_of_the_issuer_that_vouches_for_it():
    assert workload.find((ROBOT, MAIN), "cluster", {"sub": "robot"}) == (ROBOT,)
    for issuer, claims in (("ci", {"sub": "robot"}), ("cluster", {"sub": "other"})):
        with pytest.raises(OAuthError) as refused:
            workload.find((ROBOT, MAIN), issuer, claims)
        assert refused.value.code == "invalid_grant"

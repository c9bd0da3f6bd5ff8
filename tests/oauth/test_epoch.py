from itertools import combinations

import pytest

from authserver.oauth import epoch
from tests.oauth.samples import GRANT

NAMES = {
    "user": epoch.user("a"),
    "other user": epoch.user("b"),
    "client": epoch.client("a"),
    "other client": epoch.client("b"),
    "consent": epoch.consent("a", "b", "c"),
    "consent with the parts moved": epoch.consent("a", "bc", ""),
    "consent at another resource": epoch.consent("a", "b", "d"),
    "upstream session": epoch.upstream_session("a"),
    "other upstream session": epoch.upstream_session("b"),
    "sign-ins without an upstream session": epoch.without_upstream_session("a"),
    "those of another user": epoch.without_upstream_session("b"),
}


@pytest.mark.parametrize(("one", "other"), list(combinations(NAMES, 2)))
def test_each_counter_has_a_name_of_its_own(one, other):
    assert NAMES[one] != NAMES[other]


def test_a_grant_depends_on_user_client_consent_and_upstream_session():
    subjects = epoch.of_grant("u", "c", "r", "sid")
    assert subjects == (
        epoch.user("u"),
        epoch.client("c"),
        epoch.consent("u", "c", "r"),
        epoch.upstream_session("sid"),
    )
    assert len(set(subjects)) == 4
    without_sid = epoch.of_grant("u", "c", "r", None)
    assert without_sid == (*subjects[:3], epoch.without_upstream_session("u"))
    assert GRANT.epoch_subjects == epoch.of_grant("user-1", "mcp-1", GRANT.resource, None)


def test_a_browser_session_depends_on_user_and_upstream_session():
    assert epoch.of_session("u", "sid") == (epoch.user("u"), epoch.upstream_session("sid"))
    without_sid = epoch.without_upstream_session("u")
    assert epoch.of_session("u", None) == (epoch.user("u"), without_sid)


def test_a_session_of_the_upstream_is_the_same_for_whoever_is_in_it():
    """A logout token may name nothing but the session."""
    assert epoch.of_session("u", "sid")[1] == epoch.of_session("v", "sid")[1]


def test_names_stay_short_whatever_a_client_is_called():
    assert len(epoch.client("https://client.example/" + "x" * 2000)) < 100
    assert len(epoch.consent("u", "c" * 2000, "r" * 2000)) < 100
    assert len(epoch.upstream_session("s" * 2000)) < 100

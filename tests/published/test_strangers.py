"""Asking the hosts of strangers: whose turn it is, and what is remembered of a failure"""

from contextlib import ExitStack

import pytest

from authserver.kept import NotAsked
from authserver.oauth.errors import OAuthError
from authserver.published.fetch import FetchFailed, Withdrawn
from authserver.published.strangers import PAUSE, Strangers, Turns, unavailable
from tests.published.strange_hosts import StrangeHosts, anybody

URL = "https://a.example/c"
NOW = 1_800_000_000


@pytest.fixture
def hosts():
    return StrangeHosts()


@pytest.fixture
def strangers(hosts):
    return Strangers(hosts)


def ask(strangers, now=NOW, url=URL, count=anybody, *, is_known=False):
    return strangers.ask(url, "a.example", 1000, now, count, is_known=is_known)


def test_few_have_a_turn_and_fewer_of_them_for_one_host():
    turns = Turns(3, of_a_site=2)
    with ExitStack() as held:
        held.enter_context(turns.hold("a"))
        held.enter_context(turns.hold("a"))
        with pytest.raises(OAuthError) as refused:
            held.enter_context(turns.hold("a"))
        assert (refused.value.status, refused.value.headers) == (503, (("Retry-After", "30"),))
        held.enter_context(turns.hold("b"))
        with pytest.raises(OAuthError):
            held.enter_context(turns.hold("c"))
    with turns.hold("a"), turns.hold("a"), turns.hold("c"):
        pass
    assert not turns._held


def test_131_what_is_known_here_has_turns_of_its_own(strangers, hosts):
    hosts.documents[URL] = {}
    with ExitStack() as held:
        for host in "ab":
            held.enter_context(strangers._turns[False].hold(host))
        with pytest.raises(NotAsked) as refused:
            ask(strangers)
        assert ask(strangers, is_known=True).body == b"{}"
    assert isinstance(refused.value.reason, OAuthError)
    assert ask(strangers).body == b"{}"


def test_where_a_limit_is_passed_nobody_was_asked(strangers, hosts):
    counted = []

    def count(host, is_known):
        counted.append((host, is_known))
        raise unavailable("a limit")

    with pytest.raises(NotAsked):
        ask(strangers, count=count, is_known=True)
    assert (counted, hosts.asked) == ([("a.example", True)], [])
    assert not strangers.has_just_failed(URL, NOW)


def test_a_failure_is_remembered_for_a_while_and_a_success_ends_that(strangers, hosts):
    assert not strangers.has_just_failed(URL, NOW)
    with pytest.raises(FetchFailed):
        ask(strangers)
    assert strangers.has_just_failed(URL, NOW + PAUSE - 1)
    assert not strangers.has_just_failed(URL, NOW + PAUSE)
    assert not strangers.has_just_failed("https://a.example/other", NOW)
    hosts.documents[URL] = {}
    ask(strangers)
    assert not strangers.has_just_failed(URL, NOW)


def test_while_one_tries_again_the_others_need_not(strangers, hosts):
    with pytest.raises(FetchFailed):
        ask(strangers)
    later, seen = NOW + PAUSE, []

    def get(url, _):
        seen.append(strangers.has_just_failed(url, later))
        raise FetchFailed("it is down")

    hosts.get = get
    with pytest.raises(FetchFailed):
        ask(strangers, later)
    assert seen == [True]


def test_what_was_withdrawn_has_not_failed(strangers, hosts):
    for failure in (FetchFailed("it is down"), Withdrawn("the answer is 404")):
        hosts.documents[URL] = failure
        with pytest.raises(type(failure)):
            ask(strangers)
    assert not strangers.has_just_failed(URL, NOW)

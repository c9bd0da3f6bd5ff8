"""The keys at a `jwks_uri`: when they are asked for again, and when those before serve"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from authserver.oauth.client import Client
from authserver.oauth.client_document import Publishers
from authserver.oauth.errors import OAuthError
from authserver.published.fetch import FetchFailed, Withdrawn
from authserver.published.key_sets import KeySets
from authserver.published.strangers import Strangers, unavailable
from tests.published.strange_hosts import StrangeHosts, anybody, counting_who_waits
from tests.upstream.jose import new_key

URI = "https://app.example/jwks.json"
NOW = 1_800_000_000
CLIENT = Client("https://app.example/client.json", ())
OPERATORS = Client("machine", (), preregistered=True)
ONE, TWO = (new_key(kid).as_dict(private=False) for kid in ("one", "two"))


@pytest.fixture
def hosts():
    found = StrangeHosts()
    found.documents[URI] = {"keys": [ONE]}
    return found


@pytest.fixture
def strangers(hosts):
    return Strangers(hosts)


@pytest.fixture
def key_sets(strangers):
    return KeySets(strangers, Publishers())


def kids(key_sets, now=NOW, kid=None, count=anybody, client=CLIENT, *, in_use=False):
    found = key_sets.find(client, URI, kid, now, count, lambda: in_use)
    return [key.kid for key in found]


def refusal(key_sets, now=NOW, **changes):
    with pytest.raises(OAuthError) as refused:
        kids(key_sets, now, **changes)
    return refused.value.code


def no_more(_host, _is_known):
    raise unavailable("a limit of ours")


def test_a_set_is_asked_for_once_while_it_is_fresh(key_sets, hosts):
    assert kids(key_sets) == kids(key_sets, NOW + 299) == ["one"]
    assert len(hosts.asked) == 1
    hosts.documents[URI] = {"keys": [TWO]}
    assert kids(key_sets, NOW + 300) == ["two"]


def test_a_kid_that_is_missing_has_it_asked_for_every_30_seconds(key_sets, hosts):
    assert kids(key_sets, kid="two") == kids(key_sets, NOW + 29, kid="two") == ["one"]
    hosts.documents[URI] = {"keys": [ONE, TWO]}
    assert kids(key_sets, NOW + 30, kid="two") == ["one", "two"]
    assert len(hosts.asked) == 2


@pytest.mark.spec("RFC 5861", "4")
def test_the_set_before_serves_for_a_day_while_its_host_is_down_and_it_is_not_asked_each_time(
    key_sets, hosts
):
    kids(key_sets)
    hosts.documents[URI] = FetchFailed("it is down")
    for later in (300, 301, 329, 330, 300 + 86399):
        assert kids(key_sets, NOW + later) == ["one"]
    assert len(hosts.asked) == 1 + 3
    assert refusal(key_sets, NOW + 300 + 86400) == "temporarily_unavailable"


def test_a_limit_of_ours_is_no_reason_to_go_on_with_an_old_set(key_sets, hosts):
    kids(key_sets)
    assert refusal(key_sets, NOW + 300, count=no_more) == "temporarily_unavailable"
    assert refusal(key_sets, NOW + 30, kid="two", count=no_more) == "temporarily_unavailable"
    assert kids(key_sets, NOW + 299, count=no_more) == ["one"]
    assert len(hosts.asked) == 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"keys": []}, "invalid_client"),
        ([], "invalid_client"),
        ({"keys": [TWO] * 21}, "invalid_client"),
        (Withdrawn("the answer is 404"), "temporarily_unavailable"),
    ],
    ids=["no key", "no set", "many", "404"],
)
def test_keys_that_were_withdrawn_serve_no_longer(key_sets, hosts, answer, code):
    kids(key_sets)
    hosts.documents[URI] = answer
    assert refusal(key_sets, NOW + 30, kid="two") == code
    assert refusal(key_sets, NOW + 30, kid="one") == code


def test_one_thread_asks_for_a_newer_set_and_those_who_wait_get_it(key_sets, hosts, strangers):
    kids(key_sets)
    hosts.documents[URI] = {"keys": [TWO]}
    waits, answer = counting_who_waits(strangers), hosts.hang(URI)
    with ThreadPoolExecutor(3) as pool:
        found = [pool.submit(kids, key_sets, NOW + 400) for _ in range(2)]
        assert waits.acquire(timeout=20)
        answer.set()
        assert [each.result(20) for each in found] == [["two"]] * 2
    assert len(hosts.asked) == 2


@pytest.mark.spec("RFC 5861", "3")
def test_while_one_asks_for_a_newer_set_nobody_waits_for_a_key_that_was_good_a_moment_ago(
    key_sets, hosts
):
    kids(key_sets)
    hosts.documents[URI] = {"keys": [TWO]}
    answer = hosts.hang(URI)
    hosts.was_asked.acquire(timeout=20)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(kids, key_sets, NOW + 300)
        assert hosts.was_asked.acquire(timeout=20)
        assert [kids(key_sets, NOW + 300, kid="one") for _ in range(5)] == [["one"]] * 5
        answer.set()
        assert first.result(20) == ["two"]


@pytest.mark.spec("CIMD draft-01", "6.8")
@pytest.mark.parametrize(
    "publishers",
    [
        Publishers(enabled=False),
        Publishers(denied=("example",)),
        Publishers(allowed=("other.example",)),
    ],
    ids=["off", "denied", "not allowed"],
)
def test_136_strangers_keys_are_where_clients_may_be_and_the_operators_where_he_wrote(
    strangers, hosts, publishers
):
    key_sets = KeySets(strangers, publishers)
    assert refusal(key_sets) == "invalid_client"
    assert hosts.asked == []
    assert kids(key_sets, client=OPERATORS) == ["one"]
    assert refusal(key_sets) == "invalid_client"


@pytest.mark.parametrize(
    ("client", "in_use", "known"),
    [(CLIENT, False, False), (CLIENT, True, True), (OPERATORS, False, True)],
    ids=["a stranger", "in use", "the operator"],
)
def test_a_client_is_known_by_what_a_stranger_cannot_make_up(key_sets, client, in_use, known):
    counted = []

    def count(_host, is_known):
        counted.append(is_known)

    kids(key_sets, count=count, client=client, in_use=in_use)
    kids(key_sets, NOW + 300, count=count, client=client, in_use=in_use)
    assert counted == [known, known]

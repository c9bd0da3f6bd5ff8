"""Cases 129, 131 and 134: what one address or host can do to the documents of all others"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from authserver.oauth.client import Client
from authserver.oauth.errors import OAuthError
from authserver.published.documents import Asker
from authserver.published.fetch import FetchFailed
from tests.actors import Deployment, McpClient
from tests.endpoints.test_registered_keys import prove, register
from tests.published.strange_hosts import ANYBODY, StrangeHosts, anybody, counting_who_waits
from tests.publishing import CALLBACK, Publisher, resolve
from tests.upstream.jose import new_key

SLOW, SLOW_TOO = "https://slow.example/a", "https://slow.example/b"
QUICK = "https://quick.example/c"
NOW = 1_800_000_000


@pytest.fixture
def hosts():
    return StrangeHosts()


@pytest.fixture
def documents(hosts, deployment):
    return hosts.client_documents(deployment.server.store)


def outcome(documents, url, now=NOW, *, met=False):
    """Return the name of the client, or why there is none."""
    try:
        return documents.current(url, now, ANYBODY, met=met).client_name
    except OAuthError as error:
        return error.code, error.detail.partition(": ")[2]


FULL = ("temporarily_unavailable", "too many requests wait for strangers")
DOWN = ("temporarily_unavailable", "it is down")


def test_131_a_slow_host_keeps_few_threads_and_holds_up_no_other(documents, hosts):
    answer, waits = hosts.hang(SLOW, SLOW_TOO), counting_who_waits(documents._strangers)
    hosts.publish(QUICK)
    with ThreadPoolExecutor(3) as pool:
        slow = [pool.submit(outcome, documents, SLOW)]
        assert hosts.was_asked.acquire(timeout=20)
        slow += [pool.submit(outcome, documents, SLOW) for _ in range(2)]
        assert waits.acquire(timeout=20)
        assert waits.acquire(timeout=20)
        assert outcome(documents, SLOW) == FULL, "three threads are enough for one document"
        assert outcome(documents, SLOW_TOO) == FULL, "and one fetch for a host that is new here"
        assert outcome(documents, QUICK) == "Editor"
        answer.set()
        assert [each.result(20) for each in slow] == [DOWN] * 3, "they waited for one failure"
    assert hosts.asked == [SLOW, QUICK]


def test_131_slow_hosts_that_are_new_hold_up_no_client_that_is_known(documents, hosts):
    hosts.publish(QUICK)
    outcome(documents, QUICK)
    slow = ["https://one.example/a", "https://two.example/a"]
    answer = hosts.hang(*slow)
    with ThreadPoolExecutor(2) as pool:
        found = [pool.submit(outcome, documents, each) for each in slow]
        for _ in range(3):
            assert hosts.was_asked.acquire(timeout=20)
        assert outcome(documents, "https://third.example/a") == FULL
        assert outcome(documents, QUICK, NOW + 300) == "Editor"
        answer.set()
        assert [each.result(20) for each in found] == [DOWN] * 2
    assert hosts.asked.count(QUICK) == 2


def test_129_many_that_come_at_once_cost_one_fetch(documents, hosts):
    hosts.publish(QUICK)
    answer, waits = hosts.hang(QUICK), counting_who_waits(documents._strangers)
    with ThreadPoolExecutor(3) as pool:
        found = [pool.submit(outcome, documents, QUICK) for _ in range(3)]
        for _ in range(2):
            assert waits.acquire(timeout=20)
        answer.set()
        assert [each.result(20) for each in found] == ["Editor"] * 3
    assert hosts.asked == [QUICK]


def test_129_what_was_asked_for_earlier_and_came_later_is_not_kept(documents, hosts, deployment):
    """Two instances; the one whose fetch took long has the older document."""
    elsewhere = StrangeHosts()
    elsewhere.publish(QUICK, client_name="New")
    hosts.publish(QUICK, client_name="Old")
    answer = hosts.hang(QUICK)
    told: list[Client] = []
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(documents.current, QUICK, NOW, Asker(anybody, told.append))
        assert hosts.was_asked.acquire(timeout=20)
        other = elsewhere.client_documents(deployment.server.store)
        assert outcome(other, QUICK, NOW + 3) == "New"
        answer.set()
        assert slow.result(20).client_name == "New"
    assert told == [], "nothing changed by what is not kept"
    assert outcome(documents, QUICK, NOW + 3) == "New"
    with deployment.server.store.read() as reads:
        assert reads.client_document(QUICK).fetched_at == NOW + 3


def test_129_a_failure_is_not_kept(documents, hosts):
    hosts.documents[QUICK] = FetchFailed("it is down")
    assert outcome(documents, QUICK) == DOWN
    hosts.publish(QUICK)
    assert outcome(documents, QUICK) == "Editor"


# --- limits of ours are no outage of theirs ---


@pytest.fixture
def publisher(tmp_path, monkeypatch):
    resolve(monkeypatch, lambda _: ["127.0.0.1"])
    with Publisher(tmp_path) as found:
        yield found


@pytest.fixture
def limited(sqlite_url, idp, tmp_path, publisher):
    """A server whose limits on fetches are soon reached."""

    def start(**limits):
        lines = "".join(f"{name} = {number}\n" for name, number in limits.items())
        more = f"{publisher.settings()}\n[rate_limits]\n{lines}"
        started.append(Deployment.start(tmp_path, sqlite_url, idp, more=more))
        return started[-1]

    started: list[Deployment] = []
    yield start
    for each in started:
        each.__exit__()


@pytest.mark.spec("RFC 5861", "4")
def test_131_who_has_a_limit_of_ours_reached_does_not_go_on_with_an_old_document(
    limited, publisher
):
    deployment = limited(fetches_per_address=1)
    client = McpClient(deployment, redirect_uri=CALLBACK, client_id=publisher.publish())
    tokens = client.connect()
    deployment.wait(301)
    refused = client.refresh(tokens["refresh_token"])
    assert (refused.status_code, refused.json["error"]) == (429, "temporarily_unavailable")
    assert refused.headers["Retry-After"] == "60"


def test_131_who_finds_no_turn_does_not_go_on_with_an_old_document_either(limited, publisher):
    deployment = limited()
    client = McpClient(deployment, redirect_uri=CALLBACK, client_id=publisher.publish())
    tokens = client.connect()
    deployment.wait(301)
    turns = deployment.server.documents._strangers._turns[True]
    with turns.hold("a"), turns.hold("b"), turns.hold("c"):
        refused = client.refresh(tokens["refresh_token"])
    assert (refused.status_code, refused.json["error"]) == (503, "temporarily_unavailable")
    assert refused.headers["Retry-After"] == "30"
    assert client.refresh(tokens["refresh_token"]).status_code == 200
    assert len(publisher.asked) == 2


def test_134_a_key_that_was_withdrawn_is_not_good_because_a_limit_of_ours_is_reached(
    limited, publisher
):
    deployment, key = limited(fetches_per_address=1), new_key("one")
    publisher.documents["/jwks.json"] = {"keys": [key.as_dict(private=False)]}
    answer = register(deployment, jwks_uri=publisher.url("/jwks.json"))
    client = McpClient(deployment, client_id=answer.json["client_id"])
    assert prove(client, key, client.code(), "a").status_code == 200
    publisher.documents["/jwks.json"] = {"keys": [new_key("two").as_dict(private=False)]}
    deployment.wait(301)
    refused = prove(client, key, client.code(), "b")
    assert (refused.status_code, refused.json["error"]) == (429, "temporarily_unavailable")


def test_131_made_up_paths_of_a_host_do_not_use_up_what_its_known_clients_have(limited, publisher):
    deployment = limited(fetches_per_host=3, fetches_per_address=0)
    client = McpClient(deployment, redirect_uri=CALLBACK, client_id=publisher.publish())
    tokens = client.connect()
    for number in range(5):
        deployment.http().get(
            "/authorize",
            query_string={**client.authorize_params(), "client_id": publisher.url(f"/{number}")},
            base_url=deployment.issuer,
        )
    assert deployment.last("page.refused")["reason"] == "rate_limited"
    assert len(publisher.asked) == 3
    deployment.wait(301)
    assert client.refresh(tokens["refresh_token"]).status_code == 200
    assert publisher.asked.count("/client.json") == 2

"""Cases 129, 131 and 134: what one address or host can do to the documents of all others"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from authserver.oauth.client import Client
from authserver.oauth.errors import OAuthError
from authserver.published.documents import Asker
from authserver.published.fetch import FetchFailed, Withdrawn
from tests.actors import Deployment, McpClient
from tests.endpoints.test_registered_keys import prove, register
from tests.published.strange_hosts import ANYBODY, StrangeHosts, anybody, counting_who_waits
from tests.publishing import CALLBACK
from tests.storage.values import a_grant
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


def use(deployment, client_id):
    """Have a user's grant to a client, which is what makes it known."""
    with deployment.server.store.write() as tx:
        tx.add_grant(
            a_grant(client_id=client_id, expires_at=NOW + 86400, idle_expires_at=NOW + 86400)
        )


FULL = ("temporarily_unavailable", "too many requests wait for strangers")
DOWN = ("temporarily_unavailable", "it is down")


def test_131_a_slow_host_keeps_few_threads_and_holds_up_no_other(documents, hosts):
    answer, waits = hosts.hang(SLOW, SLOW_TOO), counting_who_waits(documents._strangers)
    hosts.publish(QUICK)
    with ThreadPoolExecutor(2) as pool:
        slow = [pool.submit(outcome, documents, SLOW)]
        assert hosts.was_asked.acquire(timeout=20)
        slow.append(pool.submit(outcome, documents, SLOW))
        assert waits.acquire(timeout=20)
        assert outcome(documents, SLOW) == FULL, "two threads are enough for one document"
        assert outcome(documents, SLOW_TOO) == FULL, "and one fetch for a host that is new here"
        assert outcome(documents, QUICK) == "Editor"
        answer.set()
        assert [each.result(20) for each in slow] == [DOWN] * 2, "they waited for one failure"
    assert hosts.asked == [SLOW, QUICK]


def test_131_slow_hosts_that_are_new_hold_up_no_client_that_is_known(documents, hosts, deployment):
    hosts.publish(QUICK)
    outcome(documents, QUICK)
    use(deployment, QUICK)
    slow = [hosts.publish(f"https://{name}.example/a") for name in ("one", "two")]
    for url in slow:
        outcome(documents, url, NOW - 400)  # asked for once, which anybody can have done
    answer = hosts.hang(*slow)
    with ThreadPoolExecutor(2) as pool:
        found = [pool.submit(outcome, documents, each) for each in slow]
        for _ in range(5):
            assert hosts.was_asked.acquire(timeout=20)
        assert outcome(documents, "https://third.example/a") == FULL
        assert outcome(documents, QUICK, NOW + 300) == "Editor"
        answer.set()
        assert [each.result(20) for each in found] == ["Editor"] * 2
    assert hosts.asked.count(QUICK) == 2


def test_131_names_below_one_domain_are_one_site(documents, hosts):
    slow = [f"https://{name}.evil.example/a" for name in "ab"]
    answer = hosts.hang(*slow)
    hosts.publish(QUICK)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(outcome, documents, slow[0])
        assert hosts.was_asked.acquire(timeout=20)
        assert outcome(documents, slow[1]) == FULL
        assert outcome(documents, QUICK) == "Editor"
        answer.set()
        assert first.result(20) == DOWN


def test_129_many_that_come_at_once_cost_one_fetch(documents, hosts):
    hosts.publish(QUICK)
    answer, waits = hosts.hang(QUICK), counting_who_waits(documents._strangers)
    with ThreadPoolExecutor(2) as pool:
        found = [pool.submit(outcome, documents, QUICK) for _ in range(2)]
        assert waits.acquire(timeout=20)
        answer.set()
        assert [each.result(20) for each in found] == ["Editor"] * 2
    assert hosts.asked == [QUICK]


@pytest.mark.spec("RFC 5861", "3")
def test_129_while_one_fetches_what_was_good_a_moment_ago_nobody_waits(documents, hosts):
    hosts.publish(QUICK)
    outcome(documents, QUICK)
    hosts.publish(QUICK, client_name="New")
    answer, waits = hosts.hang(QUICK), counting_who_waits(documents._strangers)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(outcome, documents, QUICK, NOW + 301)
        for _ in range(2):
            assert hosts.was_asked.acquire(timeout=20)
        assert [outcome(documents, QUICK, NOW + 301) for _ in range(5)] == ["Editor"] * 5
        older = pool.submit(outcome, documents, QUICK, NOW + 360, met=True)
        assert waits.acquire(timeout=20), "what is older is waited for"
        answer.set()
        assert [first.result(20), older.result(20)] == ["New", "New"]
    assert outcome(documents, QUICK, NOW + 301) == "New"


@pytest.mark.parametrize(
    "answer",
    [Withdrawn("the answer is 404"), [], {"client_id": "https://other.example/c"}],
    ids=["404", "none", "another"],
)
def test_129_what_was_withdrawn_does_not_come_back_when_its_host_fails(
    documents, hosts, answer, deployment
):
    hosts.publish(QUICK)
    outcome(documents, QUICK)
    hosts.documents[QUICK] = answer
    assert outcome(documents, QUICK, NOW + 301, met=True) != "Editor"
    hosts.documents[QUICK] = FetchFailed("it is down")
    elsewhere = StrangeHosts().client_documents(deployment.server.store)
    for each in (documents, elsewhere):
        assert outcome(each, QUICK, NOW + 302, met=True) == DOWN
    with deployment.server.store.read() as reads:
        assert documents.known(reads, QUICK).client_name == "Editor", "for what is on its way"


def test_129_who_asked_earlier_and_heard_later_does_not_bring_back_what_was_withdrawn(
    documents, hosts, deployment
):
    hosts.publish(QUICK)
    outcome(documents, QUICK)
    hosts.was_asked.acquire(timeout=20)
    elsewhere = StrangeHosts()
    other = elsewhere.client_documents(deployment.server.store)
    answer = hosts.hang(QUICK)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(outcome, documents, QUICK, NOW + 400, met=True)
        assert hosts.was_asked.acquire(timeout=20)
        elsewhere.documents[QUICK] = Withdrawn("the answer is 404")
        assert outcome(other, QUICK, NOW + 403, met=True) != "Editor"
        answer.set()
        assert slow.result(20) == ("temporarily_unavailable", "it was withdrawn meanwhile")
    with deployment.server.store.read() as reads:
        assert not reads.client_document(QUICK).serves(NOW + 404, longer=86400)


def test_129_a_clock_that_was_ahead_freezes_no_document(documents, hosts, deployment):
    hosts.publish(QUICK)
    outcome(documents, QUICK, NOW + 30 * 86400)
    hosts.publish(QUICK, client_name="New")
    elsewhere = hosts.client_documents(deployment.server.store)
    assert outcome(elsewhere, QUICK) == "New"
    with deployment.server.store.read() as reads:
        assert reads.client_document(QUICK).fetched_at == NOW


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
    renewed = client.refresh(tokens["refresh_token"]).json["refresh_token"]
    deployment.wait(301)
    refused = client.refresh(renewed)
    assert (refused.status_code, refused.json["error"]) == (429, "temporarily_unavailable")
    assert refused.headers["Retry-After"] == "60"


def test_131_who_finds_no_turn_does_not_go_on_with_an_old_document_either(limited, publisher):
    deployment = limited()
    client = McpClient(deployment, redirect_uri=CALLBACK, client_id=publisher.publish())
    tokens = client.connect()
    deployment.wait(301)
    turns = deployment.server.documents._strangers._turns[True]
    with turns.hold("a"), turns.hold("b"):
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
    deployment.wait(301)
    assert prove(client, key, client.code(), "known now").status_code == 200
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


def test_131_what_one_address_makes_up_does_not_use_up_what_it_has_for_known_clients(
    limited, publisher
):
    deployment = limited(fetches_per_address=2)
    client = McpClient(deployment, redirect_uri=CALLBACK, client_id=publisher.publish())
    tokens = client.connect()
    for number in range(4):
        client_id = publisher.url(f"/{number}")
        deployment.http().get(
            "/authorize",
            query_string={**client.authorize_params(), "client_id": client_id},
            base_url=deployment.issuer,
        )
    assert deployment.last("page.refused")["reason"] == "rate_limited"
    deployment.wait(301)
    assert client.refresh(tokens["refresh_token"]).status_code == 200

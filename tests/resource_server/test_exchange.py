"""The kit's side of token exchange, with a real server and with ones that fail"""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from authserver.resource_server.connection import Connection
from authserver.resource_server.exchange import TokenExchanger
from authserver.resource_server.exchanged import ExchangedToken, ExchangeFailed
from tests.actors import McpClient, claims_of
from tests.exchanging import EXCHANGES, NOTES, SECRETS, WIKI
from tests.live import deployed
from tests.upstream.spoiled_server import Spoiled, SpoiledServer

TOKEN = {
    "access_token": "canary-exchanged",
    "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
    "token_type": "Bearer",
    "expires_in": 100,
    "scope": "wiki:read",
}


class Fake:
    """An authorization server that answers with what it is given, and counts."""

    def __init__(self):
        self.answers = {}
        self.metadata = {}
        self.server = SpoiledServer(self._answer)
        self.issuer = self.server.origin

    def _answer(self, seen):
        if "well-known" in seen.path:
            urls = {"issuer": self.issuer, "token_endpoint": f"{self.issuer}/token"}
            return Spoiled(200, json.dumps({**urls, **self.metadata}).encode())
        answer = self.answers.get(seen.params["audience"], TOKEN)
        return answer if isinstance(answer, Spoiled) else Spoiled(200, json.dumps(answer).encode())

    def asked(self, path="/token"):
        return [each.params for each in self.server.seen if each.path == path]


@pytest.fixture
def fake():
    found = Fake()
    found.server.start()
    yield found
    found.server.stop()


class Clock:
    now = 1_800_000_000

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def exchanger(fake, clock):
    return TokenExchanger(
        issuer=fake.issuer,
        client_id="issues",
        client_secret="canary-secret",
        connection=Connection(timeout=20),
        clock=clock,
    )


# --- with a real server ---


@pytest.fixture
def live(tmp_path, sqlite_url, idp):
    for name, secret in {**SECRETS, "old": "o" * 32}.items():
        (tmp_path / f"{name}-secret").write_text(secret)
    more = EXCHANGES.format(more="", source_clients="*")
    with deployed(tmp_path, sqlite_url, idp, more=more) as deployment:
        yield deployment


def kit(live, client_id="issues"):
    return TokenExchanger(
        issuer=live.issuer,
        client_id=client_id,
        client_secret=SECRETS[client_id],
        clock=live.clock,
    )


def test_a_server_gets_the_token_for_the_next_one_and_narrows_it(live):
    incoming = McpClient(live).register().connect()["access_token"]

    token = kit(live).token(incoming, audience=WIKI, scope=["wiki:read"])

    claims = claims_of(token.access_token)
    assert (claims["aud"], claims["act"]["sub"], token.scope) == (WIKI, "issues", ("wiki:read",))
    assert claims["exp"] == token.expires_at
    assert "canary" not in repr(token)
    assert token.access_token not in repr(token)


def test_one_target_that_is_refused_takes_no_other_along(live):
    incoming = McpClient(live).register().connect()["access_token"]

    found = kit(live).tokens(incoming, ["wiki", NOTES, "nowhere"])

    assert isinstance(found["wiki"], ExchangedToken)
    for name in (NOTES, "nowhere"):
        refusal = found[name]
        assert isinstance(refusal, ExchangeFailed)
        assert (refusal.error, refusal.is_temporary) == ("invalid_target", False)


def test_a_token_that_is_not_valid_is_refused_for_good(live):
    with pytest.raises(ExchangeFailed) as refused:
        kit(live).token("canary-subject", audience="wiki")
    assert refused.value.error == "invalid_request"
    assert "canary" not in str(refused.value)


# --- the cache ---


def test_a_token_is_kept_until_80_percent_of_its_life(fake, exchanger, clock):
    for _ in range(3):
        exchanger.token("subject", audience="wiki")
    clock.now += 79
    exchanger.token("subject", audience="wiki")
    assert len(fake.asked()) == 1
    clock.now += 1
    exchanger.token("subject", audience="wiki")
    assert len(fake.asked()) == 2


def test_each_subject_audience_and_scope_has_a_token_of_its_own(fake, exchanger):
    for subject in ("one", "two"):
        for audience in ("wiki", "notes"):
            for scope in ((), ("a",), ("a", "b"), ("b", "a")):
                exchanger.token(subject, audience=audience, scope=scope)
    assert len(fake.asked()) == 2 * 2 * 3
    assert {each.get("scope") for each in fake.asked()} == {None, "a", "a b"}


def test_a_token_that_was_refused_is_forgotten(fake, exchanger):
    exchanger.token("subject", audience="wiki", scope=["b", "a"])
    exchanger.forget("subject", audience="wiki", scope=["a", "b"])
    exchanger.token("subject", audience="wiki", scope=["a", "b"])
    assert len(fake.asked()) == 2


def test_of_many_threads_one_asks(fake, exchanger):
    fake.answers["wiki"] = Spoiled(200, json.dumps(TOKEN).encode(), pause=0.1)
    begin = threading.Barrier(8)

    def ask(_):
        begin.wait(10)
        return exchanger.token("subject", audience="wiki")

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(8)))) == 1
    assert len(fake.asked()) == 1


def test_a_failure_is_not_kept(fake, exchanger):
    fake.answers["wiki"] = Spoiled(503, b'{"error": "temporarily_unavailable"}')
    with pytest.raises(ExchangeFailed):
        exchanger.token("subject", audience="wiki")
    fake.answers.clear()
    assert exchanger.token("subject", audience="wiki").access_token == "canary-exchanged"


# --- failures ---


@pytest.mark.parametrize(
    ("answer", "error", "temporary"),
    [
        (Spoiled(400, b'{"error": "invalid_target"}'), "invalid_target", False),
        (Spoiled(503, b'{"error": "temporarily_unavailable"}'), "temporarily_unavailable", True),
        (Spoiled(502, b"<html>canary"), "temporarily_unavailable", True),
        (Spoiled(200, b"[]"), "temporarily_unavailable", True),
        (Spoiled(200, b"x" * 2_000_000), "temporarily_unavailable", True),
        (Spoiled(302, b"{}", {"Location": "/elsewhere"}), "temporarily_unavailable", True),
        (Spoiled(500, b"{}"), "server_error", True),
        (Spoiled(200, b'{"error": "invalid_scope"}'), "invalid_scope", False),
        (Spoiled(200, b'{"error": 7}'), "server_error", True),
        ({**TOKEN, "access_token": ""}, "server_error", True),
        ({**TOKEN, "token_type": None}, "server_error", True),
        ({**TOKEN, "expires_in": "100"}, "server_error", True),
        ({**TOKEN, "expires_in": True}, "server_error", True),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_failure_says_whether_it_may_be_tried_again(fake, exchanger, answer, error, temporary):
    fake.answers["wiki"] = answer
    with pytest.raises(ExchangeFailed) as refused:
        exchanger.token("canary-subject", audience="wiki")
    assert (refused.value.error, refused.value.is_temporary) == (error, temporary)
    chain = [refused.value, refused.value.__cause__]
    assert "canary" not in "".join(map(repr, chain))
    assert fake.asked("/elsewhere") == []


def test_a_server_that_hangs_is_not_waited_for(fake):
    fake.answers["wiki"] = Spoiled(200, json.dumps(TOKEN).encode(), pause=3)
    hasty = TokenExchanger(
        issuer=fake.issuer, client_id="a", client_secret="b", connection=Connection(timeout=1)
    )
    with pytest.raises(ExchangeFailed) as refused:
        hasty.token("subject", audience="wiki")
    assert refused.value.is_temporary


def test_it_says_when_to_try_again(fake, exchanger):
    busy = b'{"error": "temporarily_unavailable", "error_description": "Later."}'
    fake.answers["wiki"] = Spoiled(503, busy, {"Retry-After": "7"})
    with pytest.raises(ExchangeFailed, match="Later") as refused:
        exchanger.token("subject", audience="wiki")
    assert refused.value.retry_after == 7


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": None},
    ],
    ids=str,
)
def test_metadata_that_is_not_the_issuers_is_not_used(fake, exchanger, metadata):
    fake.metadata = metadata
    with pytest.raises(ExchangeFailed):
        exchanger.token("subject", audience="wiki")
    fake.metadata = {}
    assert exchanger.token("subject", audience="wiki")


def test_a_secret_goes_to_secure_urls_only(fake, exchanger):
    fake.metadata = {"token_endpoint": "http://auth.example.com/token"}
    with pytest.raises(ValueError, match="token_endpoint"):
        exchanger.token("subject", audience="wiki")
    with pytest.raises(ValueError, match="issuer"):
        TokenExchanger(issuer="http://auth.example.com", client_id="a", client_secret="b")


# --- a batch ---


def test_a_server_that_offers_it_is_asked_for_all_at_once(fake, exchanger):
    fake.metadata = {"token_batch_endpoint": f"{fake.issuer}/token-batch"}
    results = [
        {"audience": "wiki", **TOKEN},
        {"audience": "notes", "error": "temporarily_unavailable"},
    ]
    fake.answers["crm"] = {"results": results}  # the last audience of the form

    found = exchanger.tokens("subject", ["wiki", "notes", "crm"])

    assert found["wiki"].access_token == "canary-exchanged"
    assert found["notes"].is_temporary
    assert found["crm"].error == "server_error"
    assert (len(fake.asked("/token-batch")), fake.asked()) == (1, [])
    fake.answers["notes"] = {"results": [{"audience": "notes", **TOKEN}]}
    again = exchanger.tokens("subject", ["wiki", "notes"])
    assert again["wiki"] is found["wiki"]


def test_a_batch_that_is_refused_as_a_whole_is_so_for_each(fake, exchanger):
    fake.metadata = {"token_batch_endpoint": f"{fake.issuer}/token-batch"}
    fake.answers["notes"] = Spoiled(400, b'{"error": "invalid_request"}')
    found = exchanger.tokens("subject", ["wiki", "notes"])
    assert {each.error for each in found.values()} == {"invalid_request"}


def test_the_real_clock_is_the_default(fake):
    token = TokenExchanger(issuer=fake.issuer, client_id="a", client_secret="b").token(
        "subject", audience="wiki"
    )
    assert 0 < token.expires_at - time.time() <= 100

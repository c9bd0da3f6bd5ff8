"""The one way out to a stranger's URL: nothing inside is reached, nothing of ours goes along"""

import gzip
import threading

import pytest

from authserver import transport
from authserver.published import fetch
from authserver.published.fetch import Fetcher, FetchFailed, Withdrawn
from tests.publishing import HOST, Publisher, refuse_connections, resolve
from tests.upstream.spoiled_server import Spoiled

PRIVATE = [
    "127.0.0.1", "0.0.0.0", "10.0.0.1", "169.254.169.254", "::", "::1", "fe80::1%1",  # noqa: S104
    "::ffff:127.0.0.1", "64:ff9b::7f00:1",
]  # fmt: skip


@pytest.fixture
def publisher(tmp_path):
    with Publisher(tmp_path) as found:
        yield found


@pytest.fixture
def inside(publisher, monkeypatch):
    """A fetcher for which the publisher's host is one that may lie inside."""
    resolve(monkeypatch, lambda _: ["127.0.0.1"])
    found = Fetcher(publisher.certificate, {publisher.netloc})
    yield found
    found.close()


@pytest.fixture
def outside(publisher):
    """A fetcher for which nothing may lie inside."""
    found = Fetcher(publisher.certificate)
    yield found
    found.close()


def failure(fetcher, url, max_bytes=1000):
    with pytest.raises(FetchFailed) as failed:
        fetcher.get(url, max_bytes)
    return str(failed.value)


def test_a_document_comes_with_how_long_it_is_fresh(publisher, inside):
    publisher.documents["/c"] = {"a": 1}
    assert inside.get(publisher.url("/c"), 1000).fresh_for is None
    publisher.headers |= {"Cache-Control": "public, max-age=77", "Age": "7"}
    found = inside.get(publisher.url("/c"), 1000)
    assert (found.body, found.fresh_for) == (b'{"a": 1}', 70)


@pytest.mark.spec("CIMD draft-01", "4.1")
@pytest.mark.parametrize(
    ("content_type", "is_taken"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/jwk-set+json", True),
        ("application/vnd.a+b+json ;x=y", True),
        ("text/plain", False),
        ("text/json", False),
        ("application/jsonx", False),
        ("application/+json", False),
        ("text/html, application/json", False),
        (None, False),
    ],
)
def test_121_only_what_is_called_json_is_a_document(publisher, inside, content_type, is_taken):
    publisher.documents["/c"] = {}
    publisher.headers["Content-Type"] = content_type
    if is_taken:
        assert inside.get(publisher.url("/c"), 1000).body == b"{}"
    else:
        assert "content type" in failure(inside, publisher.url("/c"))


@pytest.mark.parametrize(("status", "is_withdrawn"), [(404, True), (410, True), (503, False)])
def test_a_server_that_has_no_such_document_is_told_from_one_that_is_down(
    publisher, inside, status, is_withdrawn
):
    publisher.documents["/c"] = Spoiled(status)
    with pytest.raises(FetchFailed) as failed:
        inside.get(publisher.url("/c"), 1000)
    assert isinstance(failed.value, Withdrawn) is is_withdrawn


@pytest.mark.spec("CIMD draft-01", "6.5")
@pytest.mark.parametrize("address", PRIVATE)
def test_124_no_connection_is_made_to_an_address_inside(outside, monkeypatch, address):
    resolve(monkeypatch, lambda _: [address])
    tried = refuse_connections(monkeypatch, 443)
    assert failure(outside, f"https://{HOST}/c") == "it leads to an address that is not public"
    assert tried == []


@pytest.mark.parametrize(
    "addresses", [["93.184.216.34", "127.0.0.1"], ["::1", "93.184.216.34"]], ids=["last", "first"]
)
def test_125_one_address_inside_among_several_is_enough_to_refuse(outside, monkeypatch, addresses):
    resolve(monkeypatch, lambda _: addresses)
    tried = refuse_connections(monkeypatch, 443)
    assert "not public" in failure(outside, f"https://{HOST}/c")
    assert tried == []


def test_125_the_address_that_was_judged_is_the_one_that_is_used(outside, monkeypatch):
    """A resolver that answers public first and inside then is asked only once."""
    answers = [["93.184.216.34"], ["127.0.0.1"]]
    asked = resolve(monkeypatch, lambda _: answers.pop(0))
    tried = refuse_connections(monkeypatch, 443)
    assert failure(outside, f"https://{HOST}/c") == "ConnectionError"
    assert (asked, tried) == ([HOST], ["93.184.216.34"])


@pytest.mark.spec("CIMD draft-01", "4")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_120_no_redirect_is_followed(publisher, inside, status):
    publisher.documents["/elsewhere"] = {}
    headers = {"Location": publisher.url("/elsewhere")}
    publisher.documents["/c"] = Spoiled(status, b"{}", headers)
    assert failure(inside, publisher.url("/c")) == f"the answer is {status}"
    assert publisher.asked == ["/c"]


@pytest.mark.parametrize("status", [201, 204, 304, 401, 404, 500])
def test_121_any_other_status_is_a_failure(publisher, inside, status):
    publisher.documents["/c"] = Spoiled(status, b"" if status in (204, 304) else b"{}")
    assert failure(inside, publisher.url("/c")) == f"the answer is {status}"


@pytest.mark.spec("CIMD draft-01", "6.6")
@pytest.mark.parametrize(
    "headers", [{}, {"Content-Length": None, "Connection": "close"}], ids=["counted", "endless"]
)
def test_127_what_is_too_long_is_cut(publisher, inside, headers):
    publisher.documents["/c"] = Spoiled(200, b"x" * 5001, headers)
    assert "longer than 5000 bytes" in failure(inside, publisher.url("/c"), 5000)
    assert len(inside.get(publisher.url("/c"), 5001).body) == 5001


def test_127_what_comes_in_chunks_is_cut_at_the_same_length(publisher, inside):
    headers = {"Content-Length": None, "Transfer-Encoding": "chunked"}
    for length, is_taken in ((5000, True), (6000, False)):
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (length, b"x" * length)
        publisher.documents["/c"] = Spoiled(200, body, headers)
        if is_taken:
            assert inside.get(publisher.url("/c"), 5000).body == b"x" * 5000
        else:
            assert "longer than 5000 bytes" in failure(inside, publisher.url("/c"), 5000)


def test_127_what_is_compressed_is_not_unpacked(publisher, inside):
    bomb = gzip.compress(b"0" * 10**6)
    publisher.documents["/c"] = Spoiled(200, bomb, {"Content-Encoding": "gzip"})
    assert "compressed" in failure(inside, publisher.url("/c"), 5000)


def test_127_what_drips_is_given_up(publisher, inside, monkeypatch):
    monkeypatch.setattr(fetch, "SECONDS", 0.5)
    publisher.documents["/c"] = Spoiled(200, b"x" * 1000, drip=0.05)
    failure(inside, publisher.url("/c"), 5000)


def test_127_a_name_server_that_is_silent_is_given_up_and_holds_up_no_trusted_host(
    publisher, outside, inside, monkeypatch
):
    monkeypatch.setattr(fetch, "SECONDS", 0.2)
    publisher.documents["/c"] = {}
    asked, answered = [], threading.Event()

    def silent(host):
        asked.append(host)
        if host != HOST:
            assert answered.wait(20)
        return ["127.0.0.1"]

    resolve(monkeypatch, silent)
    free = threading.Semaphore(2)
    monkeypatch.setattr(transport._PublicConnection.lookups, "_free", free)
    try:
        slow = [failure(outside, f"https://{name}.slow.example/c") for name in "ab"]
        assert failure(outside, "https://c.slow.example/c") == "ConnectionError"
        monkeypatch.setattr(fetch, "SECONDS", 5.0)
        assert inside.get(publisher.url("/c"), 1000).body == b"{}"
    finally:
        answered.set()
        assert all(free.acquire(timeout=20) for _ in range(2)), "both are free again"
    assert slow == ["ConnectTimeout", "ConnectTimeout"]
    assert asked == ["a.slow.example", "b.slow.example", HOST]


def test_128_nothing_of_ours_goes_along(publisher, inside, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text(f"machine {HOST} login canary password canary")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    publisher.headers["Set-Cookie"] = "a=b"
    publisher.documents["/c"] = {}
    for _ in range(2):
        inside.get(publisher.url("/c"), 1000)
    usual = {"host", "accept", "accept-encoding", "user-agent", "connection"}
    assert [set(seen.headers) for seen in publisher.server.seen] == [usual, usual]


def test_another_host_than_the_certificates_is_refused(publisher, monkeypatch):
    resolve(monkeypatch, lambda _: ["127.0.0.1"])
    netloc = f"other.example:{publisher.port}"
    assert failure(Fetcher(publisher.certificate, {netloc}), f"https://{netloc}/c") == "SSLError"
    assert failure(Fetcher(None, {publisher.netloc}), publisher.url("/c")) == "SSLError"


def test_what_is_not_https_is_not_sent(inside):
    assert failure(inside, "http://93.184.216.34/c") == "InvalidSchema"

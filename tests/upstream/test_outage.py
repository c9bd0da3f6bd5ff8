"""A provider that is down, slow, or talks nonsense: sign-in says so, and soon."""

import gzip
import socket
import threading
import time

import pytest

from authserver.upstream.errors import UpstreamUnavailable
from authserver.upstream.oidc import OidcUpstreamClient
from tests.upstream.conftest import Clock, Login, settings
from tests.upstream.spoiled_server import Spoiled

DISCOVERY = "/.well-known/openid-configuration"
PATHS = [DISCOVERY, "/token", "/jwks"]
GIANT = b'{"padding": "' + b"x" * 2**20 + b'"}'

NONSENSE = {
    "500": Spoiled(500, b'{"error": "server_error"}'),
    "503": Spoiled(503, b"later"),
    "html": Spoiled(200, b"<!doctype html><title>Sign in to the network</title>"),
    "empty": Spoiled(200, b""),
    "array": Spoiled(200, b"[]"),
    "null": Spoiled(200, b"null"),
    "twice": Spoiled(200, b'{"access_token": "a", "access_token": "b"}'),
    "nan": Spoiled(200, b'{"expires_in": NaN}'),
    "deep": Spoiled(200, b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "latin-1": Spoiled(200, '{"a": "é"}'.encode("latin-1")),
    "giant": Spoiled(200, GIANT),
    "giant, length unknown": Spoiled(200, GIANT, {"Content-Length": None, "Connection": "close"}),
    "compressed giant": Spoiled(200, gzip.compress(GIANT), {"Content-Encoding": "gzip"}),
    "cut short": Spoiled(200, b'{"a": 1}', {"Content-Length": "99", "Connection": "close"}),
    "not chunked": Spoiled(200, b"{}", {"Transfer-Encoding": "chunked", "Connection": "close"}),
    "301": Spoiled(301, b"", {"Location": "/elsewhere"}),
    "302": Spoiled(302, b"", {"Location": "/elsewhere"}),
    "307": Spoiled(307, b"", {"Location": "/elsewhere"}),
    "204": Spoiled(204, b""),
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_is_an_outage(login, idp, path, answer):
    idp.spoiled[path] = answer

    with pytest.raises(UpstreamUnavailable):
        login.sign_in()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(login, idp, path, status):
    idp.spoiled[path] = Spoiled(status, b"", {"Location": f"{idp.origin}/elsewhere"})

    with pytest.raises(UpstreamUnavailable):
        login.sign_in()

    assert not idp.asked("/elsewhere")


def test_an_answer_of_just_one_mebibyte_is_read(login, idp):
    idp.metadata = {"padding": ""}
    length = 2**20 - len(_discovered(login, idp))
    idp.metadata = {"padding": "x" * length}

    assert login.sign_in().subject == "user-1"


def _discovered(login, idp):
    import requests

    with requests.get(f"{idp.origin}{DISCOVERY}", timeout=5) as response:
        return response.content


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("slow", [Spoiled(pause=1.5), Spoiled(body=b" " * 500, drip=0.02)])
def test_a_slow_provider_is_given_up_within_one_limit_for_all_requests(make_login, idp, path, slow):
    login = make_login(request_timeout=0.4)
    if path != DISCOVERY:
        login.url()
    idp.spoiled[path] = slow
    started = time.monotonic()

    with pytest.raises(UpstreamUnavailable):
        login.sign_in()

    assert time.monotonic() - started < 1.0


def test_the_limit_holds_over_many_answers_that_are_each_in_time(make_login, idp):
    login = make_login(request_timeout=0.5)
    callback = idp.sign_in(login.url())
    idp.delay = 0.35
    started = time.monotonic()

    with pytest.raises(UpstreamUnavailable):
        login.redeem(callback)

    assert [request.path for request in idp.seen] == [DISCOVERY, "/token", "/jwks"]
    assert time.monotonic() - started < 1.0


def test_the_limit_holds_for_an_answer_that_drips_and_then_stops(make_login, idp):
    # About 0.8 seconds of bytes, and then none although more are promised.
    idp.spoiled[DISCOVERY] = Spoiled(body=b" " * 10, headers={"Content-Length": "99"}, drip=0.016)
    started = time.monotonic()

    with pytest.raises(UpstreamUnavailable):
        make_login(request_timeout=1.0).url()

    assert time.monotonic() - started < 1.5


def test_a_slow_userinfo_costs_the_name_and_not_the_sign_in(make_login, idp):
    idp.claims = {"name": None}
    idp.spoiled["/userinfo"] = Spoiled(drip=0.05)

    assert make_login(request_timeout=0.6).sign_in().name is None


def test_a_provider_that_is_down_stops_only_the_sign_in_and_may_come_back(idp):
    clock = Clock()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    client = OidcUpstreamClient(
        settings(idp, issuer=f"http://127.0.0.1:{port}"), "http://127.0.0.1:9/callback", clock
    )
    login = Login(idp, client, clock)
    with pytest.raises(UpstreamUnavailable):
        login.url()

    assert not idp.seen
    client.close()


def test_a_provider_that_takes_no_connection_is_given_up_in_time(idp):
    with socket.create_server(("127.0.0.1", 0), backlog=1) as full:
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        issuer = f"http://127.0.0.1:{address[1]}"
        client = OidcUpstreamClient(settings(idp, issuer=issuer, request_timeout=0.3), "x")
        started = time.monotonic()
        with pytest.raises(UpstreamUnavailable):
            Login(idp, client, Clock()).url()
        assert time.monotonic() - started < 1.0
        for one in waiting:
            one.close()


def test_sign_ins_at_the_same_time_do_not_mix(login, idp):
    subjects = [f"user-{number}" for number in range(16)]
    found = {}

    def sign_in(subject):
        found[subject] = login.redeem(idp.sign_in(login.url(), subject)).subject

    threads = [threading.Thread(target=sign_in, args=(subject,)) for subject in subjects]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == {subject: subject for subject in subjects}


def test_the_environments_proxies_are_not_used(login, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert login.sign_in().subject == "user-1"

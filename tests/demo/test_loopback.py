"""Loopback sockets: busy ports are stepped over, and what was found free is what is used."""

import socket
import threading
import urllib.request

import pytest
from flask import Flask

from authserver.demo import loopback
from authserver.demo.loopback import is_loopback, listen, url, wsgi_server


def port_of(listening: socket.socket) -> int:
    return int(listening.getsockname()[1])


@pytest.fixture
def free_port():
    with listen(0) as listening:
        return port_of(listening)


def test_a_free_port_is_taken(free_port):
    with listen(free_port) as listening:
        assert listening.getsockname() == ("127.0.0.1", free_port)
        assert url(listening) == f"http://127.0.0.1:{free_port}"


def test_a_busy_port_is_stepped_over(free_port):
    with listen(free_port) as first, listen(free_port) as second:
        assert port_of(first) == free_port
        assert port_of(second) % 10 == free_port % 10
        assert port_of(second) > free_port


def test_a_port_of_a_server_on_all_addresses_is_stepped_over(free_port):
    with socket.socket() as everywhere:
        everywhere.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        everywhere.bind(("0.0.0.0", free_port))  # noqa: S104 - such a server is the case
        everywhere.listen()
        with listen(free_port) as listening:
            assert port_of(listening) != free_port


def test_no_free_port_is_an_error_that_names_them(monkeypatch):
    monkeypatch.setattr(loopback, "_ATTEMPTS", 1)
    with listen(0) as taken, pytest.raises(OSError, match=f"{port_of(taken)}"):
        listen(port_of(taken))


def test_a_client_that_comes_before_the_server_is_answered():
    app = Flask(__name__)
    app.add_url_rule("/", "root", lambda: "here")
    answers = []
    with listen(0) as listening:

        def ask() -> None:
            with urllib.request.urlopen(url(listening), timeout=5) as answer:  # noqa: S310
                answers.append(answer.read())

        early = threading.Thread(target=ask)
        early.start()
        with wsgi_server(app, listening):
            early.join(5)
    assert answers == [b"here"]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104
        ("192.168.0.1", False),
        ("localhost.example.com", False),
        ("", False),
    ],
)
def test_only_this_machine_is_loopback(host, expected):
    assert is_loopback(host) is expected

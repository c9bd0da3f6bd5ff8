"""Cases 188, 189 and 201 as bytes on a socket, against the server that `authserver serve` runs"""

import json
import os
import socket
import sys
from contextlib import suppress

import pytest

from tests.actors import ISSUER, write_config
from tests.cli.served import free_port, served

METADATA = "/.well-known/oauth-authorization-server"


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """A served instance on SQLite; its IdP is never asked."""
    folder = tmp_path_factory.mktemp("sockets")
    config = write_config(folder, f"sqlite:///{folder}/a.db", "http://127.0.0.1:9/idp")
    port = free_port()
    command = [sys.executable, "-m", "authserver", "serve", "--config", str(config)]
    command += ["--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", "4"]
    with served(command, port, env={**os.environ, "PYTHONWARNINGS": "default"}):
        yield port


def _send(port, *lines, body=b"", close=True):
    """Send request lines and headers as they are; return all that comes back."""
    ends = ("Connection: close",) if close else ()
    raw = "\r\n".join((*lines, *ends, "", "")).encode("latin-1") + body
    return _exchange(port, raw)


def _exchange(port, raw, *, then_silent=False):
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(raw)
        with suppress(OSError):
            if then_silent:
                connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                received += piece
    return received


def _status(answer):
    return int(answer.split(b" ", 2)[1])


def _document(answer):
    return json.loads(answer.partition(b"\r\n\r\n")[2])


def test_188_an_absolute_request_line_names_no_other_issuer(port):
    answer = _send(port, f"GET https://evil.example{METADATA} HTTP/1.1", "Host: evil.example")
    page = _send(port, "GET https://evil.example/authorize HTTP/1.1", "Host: evil.example")
    mixed = _send(port, "GET https://evil.example/authorize HTTP/1.1", "Host: auth.example")

    assert _document(answer)["issuer"] == ISSUER
    assert (_status(page), _status(mixed)) == (400, 400)
    assert b"evil" not in answer + page + mixed


@pytest.mark.parametrize(
    "order", [("auth.example", "evil.example"), ("evil.example", "auth.example")]
)
def test_188_two_hosts_are_refused_or_change_nothing(port, order):
    hosts = [f"Host: {each}" for each in order]
    document = _send(port, f"GET {METADATA} HTTP/1.1", *hosts)
    page = _send(port, "GET /authorize?client_id=x HTTP/1.1", *hosts)

    assert _status(document) == 400 or _document(document)["issuer"] == ISSUER
    assert _status(page) == 400
    assert b"evil" not in document + page


@pytest.mark.parametrize(
    "header", ["SCRIPT_NAME: /evil", "Script-Name: /evil", "PATH_INFO: /evil", "REMOTE_ADDR: evil",
               "X-Forwarded-Proto: https", "X-Forwarded-Ssl: on", "X-Forwarded-Protocol: ssl",
               "REMOTE_USER: evil", "wsgi.url_scheme: evil", "HTTP_HOST: evil"],
)  # fmt: skip
def test_189_no_header_reaches_what_the_server_believes(port, header):
    plain = _send(port, f"GET {METADATA} HTTP/1.1", "Host: auth.example")
    other = _send(port, f"GET {METADATA} HTTP/1.1", "Host: auth.example", header)

    assert _status(other) == 400 or _document(other) == _document(plain)
    assert b"evil" not in other


def test_201_http_1_0_without_a_host_is_answered(port):
    document = _send(port, f"GET {METADATA} HTTP/1.0", close=False)
    page = _send(port, "GET /authorize HTTP/1.0", close=False)
    token = _send(
        port, "POST /token HTTP/1.0", "Content-Type: application/x-www-form-urlencoded",
        "Content-Length: 12", body=b"grant_type=x", close=False,
    )  # fmt: skip

    assert _document(document)["issuer"] == ISSUER
    assert _status(page) == 400
    assert _document(token)["error"] == "invalid_client"


def test_201_http_1_1_without_a_host_or_with_an_empty_one_does_no_harm(port):
    for headers in ([], ["Host:"], ["Host: "]):
        assert _status(_send(port, "GET /authorize?client_id=x HTTP/1.1", *headers)) == 400
        assert _status(_send(port, f"GET {METADATA} HTTP/1.1", *headers)) in (200, 400)


def test_201_pipelined_requests_are_answered_in_order(port):
    one = f"GET {METADATA} HTTP/1.1\r\nHost: auth.example\r\n\r\n"
    two = "GET /authorize HTTP/1.1\r\nHost: auth.example\r\n\r\n"
    last = "GET /jwks.json HTTP/1.1\r\nHost: auth.example\r\nConnection: close\r\n\r\n"

    answer = _exchange(port, (one + two + last).encode())

    assert [int(each[:3]) for each in answer.split(b"HTTP/1.1 ")[1:]] == [200, 400, 200]
    assert answer.index(b'"issuer"') < answer.index(b"<!doctype") < answer.index(b'"keys"')


def test_201_a_body_that_was_refused_is_not_taken_for_the_next_request(port):
    smuggled = b"GET /jwks.json HTTP/1.1\r\nHost: auth.example\r\n\r\n"
    head = (
        f"POST /token HTTP/1.1\r\nHost: auth.example\r\nContent-Type: text/plain\r\n"
        f"Content-Length: {len(smuggled)}\r\n\r\n"
    ).encode()
    last = f"GET {METADATA} HTTP/1.1\r\nHost: auth.example\r\nConnection: close\r\n\r\n".encode()

    answer = _exchange(port, head + smuggled + last)

    assert b'"keys"' not in answer
    assert _status(answer) == 400


@pytest.mark.parametrize(
    "raw", [b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01" * 9,
            b"GET /authorize HTTP/1.1\r\nHost: auth.example\r\nCookie: \xff\xfe\x00\r\n\r\n",
            b"GET /authorize?\xff\xfe HTTP/1.1\r\nHost: auth.example\r\n\r\n",
            b"GET /%ff%00/../authorize HTTP/1.1\r\nHost: auth.example\r\n\r\n",
            b"GET //authorize HTTP/1.1\r\nHost: auth.example\r\n\r\n",
            b"GET /authorize HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"CONNECT evil.example:443 HTTP/1.1\r\n\r\n",
            b"OPTIONS * HTTP/1.1\r\nHost: auth.example\r\n\r\n", b"GET /" + b"a" * 20000],
    ids=lambda raw: ascii(raw)[2:40],
)  # fmt: skip
def test_201_what_is_no_request_is_refused_and_the_server_goes_on(port, raw):
    answer = _exchange(port, raw, then_silent=True)

    assert not answer or 400 <= _status(answer) < 600
    assert not answer.startswith(b"HTTP/1.1 500")
    assert _status(_send(port, "GET /health HTTP/1.1", "Host: auth.example")) == 200

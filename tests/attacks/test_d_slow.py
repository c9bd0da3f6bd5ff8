"""Case 64: requests that trickle in hold the server up for a moment, and never for good"""

import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager

import pytest
import requests

from tests.actors import write_config

THREADS = 2
SERVE = """
import sys
from authserver.cli import gunicorn_worker, main
gunicorn_worker.ARRIVAL, gunicorn_worker.PRESSED = map(float, sys.argv[1:3])
main(["serve", "--workers", "1", "--threads", "2", *sys.argv[3:]])
"""
HEAD = b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
SLOW = {
    "a line": b"POST /to",
    "headers": HEAD + b"X-A",
    "body": HEAD + b"Content-Length: 100\r\n\r\ngrant_type=",
    "chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\ngrant\r\n",
    "a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nffff\r\ngr",
}


@contextmanager
def process(config, port, limits):
    serve = [sys.executable, "-c", SERVE, *limits]
    command = [*serve, "--config", config, "--bind", f"127.0.0.1:{port}"]
    environment = {**os.environ, "PYTHONWARNINGS": "default"}
    started = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    try:
        yield started
    finally:
        started.terminate()
        started.wait(30)


@pytest.fixture(params=[("1", "1"), ("60", "1")], ids=["always", "pressed"])
def limits(request):
    """How long a request may take to arrive, and how long while another one waits."""
    return request.param


@pytest.fixture
def port(sqlite_url, idp, tmp_path, limits):
    with socket.create_server(("127.0.0.1", 0)) as free:
        found = free.getsockname()[1]
    with process(write_config(tmp_path, sqlite_url, idp.issuer), found, limits) as started:
        deadline = time.monotonic() + 60
        while not healthy(found) and time.monotonic() < deadline and started.poll() is None:
            time.sleep(0.1)
        yield found


def healthy(port):
    try:
        return requests.get(f"http://127.0.0.1:{port}/health", timeout=10).status_code == 200
    except requests.RequestException:
        return False


def trickle(port, sent):
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(sent)
    return connection


def given_up(connection):
    """Say whether a connection was closed, with no answer or a refusal."""
    try:
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    except TimeoutError:
        return False
    assert answer == b"" or b" 400 " in answer.partition(b"\r\n")[0], answer
    return True


def test_064_a_request_that_trickles_in_is_given_up_and_the_others_are_answered(port, limits):
    # Once one that trickles in has made room for those who wait, the other may go on.
    enough = all if limits[0] == "1" else any
    for kind, sent in SLOW.items():
        with ExitStack() as stack:
            slow = [stack.enter_context(trickle(port, sent)) for _ in range(THREADS)]
            began = time.monotonic()
            assert healthy(port), kind
            assert time.monotonic() - began < 5, kind
            assert enough(map(given_up, slow)), kind


def test_064_connections_that_say_nothing_hold_the_threads_for_a_moment(port):
    with ExitStack() as stack:
        for _ in range(THREADS):
            stack.enter_context(trickle(port, b""))
        began = time.monotonic()
        assert healthy(port)
        assert time.monotonic() - began < 4

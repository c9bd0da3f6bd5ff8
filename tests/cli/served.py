"""A server in a process of its own, started by a command line"""

import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager


@contextmanager
def served(command, port, **options):
    """Start a command, wait until /health answers, and end it with SIGTERM."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )
    try:
        _wait(process, port)
        yield process
        process.terminate()
        process.wait(20)
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def free_port():
    """Return a port that is free now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def get(port, path, **headers):
    """Return status and body of a GET."""
    url = f"http://127.0.0.1:{port}{path}"
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def _wait(process, port):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(process.communicate()[0])
        try:
            if get(port, "/health")[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("no answer in 30 seconds")

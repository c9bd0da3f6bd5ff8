"""The suite's own rules: see conftest.py"""

import socket
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_connection_beyond_loopback_is_refused(kind):
    with socket.socket(socket.AF_INET, kind) as leaving:
        leaving.settimeout(0.1)
        with pytest.raises(Exception, match="tests reach loopback only"):
            leaving.connect(("192.0.2.1", 443))


def test_no_name_is_looked_up_beyond_this_machine():
    with pytest.raises(Exception, match="tests reach loopback only"):
        socket.getaddrinfo("example.com", 443)


def test_loopback_answers():
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.create_connection(("localhost", listening.getsockname()[1]), timeout=5),
    ):
        pass


def test_an_address_is_not_a_name_and_needs_no_lookup():
    assert socket.getaddrinfo("192.0.2.1", 443, type=socket.SOCK_STREAM)[0][4] == ("192.0.2.1", 443)


def test_a_warning_is_an_error():
    with pytest.raises(UserWarning, match="unheard"):
        warnings.warn("unheard", stacklevel=1)


@pytest.mark.parametrize(
    ("marker", "accepted"),
    [('"RFC 9700", "2.1.1"', True), ('"RFC 9700"', False), ("9700, 2.1", False), ("", False)],
)
def test_a_spec_marker_names_a_document_and_a_section(tmp_path, marker, accepted):
    marked = tmp_path / "test_marked.py"
    marked.write_text(f"import pytest\n@pytest.mark.spec({marker})\ndef test_it(): pass\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.conftest",
        "-p",
        "no:cacheprovider",
    ]
    ran = subprocess.run(
        [*command, "-n", "0", "-c", str(REPOSITORY / "pyproject.toml"), str(marked)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode == 0) is accepted, ran.stdout + ran.stderr
    assert ("1 passed" in ran.stdout) is accepted

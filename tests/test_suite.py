"""The suite's own rules: see conftest.py"""

import socket
import subprocess
import sys
import warnings
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests import conftest

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
    [
        (pytest.mark.spec("RFC 9700", "2.1.1"), True),
        (pytest.mark.spec("RFC 9700"), False),
        (pytest.mark.spec(9700, 2.1), False),
        (pytest.mark.spec("RFC 9700", section="2.1.1"), False),
        (pytest.mark.spec(), False),
    ],
)
def test_a_spec_marker_names_a_document_and_a_section(request, marker, accepted):
    request.node.add_marker(marker)
    refused = nullcontext() if accepted else pytest.raises(pytest.UsageError, match="write @pytest")
    with refused:
        conftest.pytest_collection_modifyitems([request.node])


def test_a_spec_marker_that_names_nothing_stops_the_run(tmp_path):
    marked = tmp_path / "test_marked.py"
    marked.write_text("import pytest\n@pytest.mark.spec()\ndef test_it(): pass\n")
    plugins = [f"-pno:{name}" for name in ("cacheprovider", "xdist", "hypothesispytest", "cov")]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", *plugins,
         "-c", str(REPOSITORY / "pyproject.toml"), str(marked)],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == pytest.ExitCode.USAGE_ERROR, ran.stdout + ran.stderr
    assert "write @pytest.mark.spec" in ran.stdout + ran.stderr

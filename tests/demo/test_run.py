"""The demo as its command runs it: in a process of its own, ended in every way it can end."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from authserver.demo.wire import TITLES

RUN = """
import sys
from pathlib import Path
from authserver.demo.run import run
directory = Path(sys.argv[2]) if len(sys.argv) > 2 else None
sys.exit(run(check=sys.argv[1] == "check", directory=directory))
"""
UP = "Ctrl-C ends it."


class Demo:
    """A demo in a process group of its own, whose temporary directories are made in `home`."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.home = home
        self.said = ""
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env=os.environ | {"TMPDIR": str(home), "PYTHONPATH": str(Path.cwd())},
        )

    def output(self) -> str:
        return self.read_until(None)

    def read_until(self, text: str | None) -> str:
        """Return what it says up to this text, or (None) up to its end."""
        assert self.process.stdout is not None
        watchdog = threading.Timer(60, self.process.kill)
        watchdog.start()
        seen = ""
        while text is None or text not in seen:
            line = self.process.stdout.readline()
            if not line:
                break
            seen += line
        self.said += seen
        watchdog.cancel()
        assert text is None or text in seen, f"it never said {text!r}:\n{seen}"
        if text is None:
            self.process.wait(10)
        return seen

    def left_processes(self, within: float = 8) -> list[str]:
        """Return what still runs: all that is started gets a path below `home.parent`."""
        deadline = time.monotonic() + within
        while (left := self._running()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return list(left.values())

    def _running(self) -> dict[int, str]:
        listed = subprocess.check_output(["ps", "-A", "-o", "pid=,args="], text=True)  # noqa: S607
        lines = (line.split(maxsplit=1) for line in listed.splitlines())
        return {int(pid): args for pid, args in lines if str(self.home.parent) in args}

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        for left in self._running():
            os.kill(left, signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def start(tmp_path) -> Iterator[type[Demo]]:
    started: list[Demo] = []

    def begin(*arguments: str) -> Demo:
        home = tmp_path / "tmp"
        home.mkdir(exist_ok=True)
        started.append(Demo(home, *arguments))
        return started[-1]

    yield begin  # type: ignore[misc]
    for demo in started:
        demo.end()


def test_it_stays_up_with_an_address_to_connect_to_and_a_second_one_finds_other_ports(start):
    demo = start("stay")
    output = demo.read_until(UP)
    mcp_url = output.split("claude mcp add --transport http authserver-demo ")[1].split()[0]
    assert f'{{"mcpServers": {{"authserver-demo": {{"url": "{mcp_url}"}}}}}}' in output
    assert f'"type": "http", "url": "{mcp_url}"' in output
    second = start("check")
    _holds(second)
    assert mcp_url not in second.said
    demo.process.send_signal(signal.SIGTERM)
    assert "Ended." in demo.output()
    assert demo.process.returncode == 0
    assert not demo.left_processes()
    assert list(demo.home.iterdir()) == []
    with socket.socket() as asking:
        assert asking.connect_ex(("127.0.0.1", urlsplit(mcp_url).port or 0)) != 0


def test_ctrl_c_in_a_terminal_ends_all_processes_and_a_given_directory_serves_again(
    start, tmp_path
):
    directory = tmp_path / "kept"
    demo = start("stay", str(directory))
    demo.read_until(UP)
    os.killpg(demo.process.pid, signal.SIGINT)
    os.killpg(demo.process.pid, signal.SIGINT)
    assert "Traceback" not in demo.output()
    assert demo.process.returncode == 0
    assert not demo.left_processes()
    assert list(demo.home.iterdir()) == []

    _holds(start("check", str(directory)))
    names = {path.name for path in directory.iterdir()}
    assert {"authserver.toml", "sealing.key", "authserver.db"} <= names
    assert not [name for name in names if name.startswith(".")]


def _holds(demo):
    """See the whole story told, and held."""
    output = demo.output()
    assert demo.process.returncode == 0, output
    for title in TITLES.values():
        assert title in output
    assert "All 12 steps hold." in output
    assert "\033" not in output
    assert "Connect a client of your own" not in output


def test_an_interruption_on_the_way_leaves_nothing(start):
    demo = start("check")
    demo.read_until("It opens the browser")
    demo.process.send_signal(signal.SIGTERM)
    assert "Interrupted." in demo.output()
    assert demo.process.returncode == 1
    assert not demo.left_processes()
    assert list(demo.home.iterdir()) == []


def test_an_interruption_while_starting_leaves_nothing(start):
    demo = start("check")
    deadline = time.monotonic() + 30
    while not list(demo.home.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    demo.process.send_signal(signal.SIGINT)
    assert demo.output() == "\nInterrupted.\n"
    assert demo.process.returncode == 1
    assert not demo.left_processes()
    assert list(demo.home.iterdir()) == []


def test_a_demo_that_is_killed_takes_its_server_along(start):
    demo = start("stay")
    demo.read_until(UP)
    demo.process.kill()
    demo.process.wait()
    assert not demo.left_processes()


def test_a_server_that_does_not_start_is_told_with_what_it_said(start, tmp_path):
    (tmp_path / "authserver.db").write_text("this is no database" * 500)
    demo = start("check", str(tmp_path))
    output = demo.output()
    assert demo.process.returncode == 1
    assert "FAILED at the start: the authorization server" in output
    assert "is no SQLite database" in output
    assert not demo.left_processes()


def test_a_directory_of_somebody_else_is_refused(start, tmp_path):
    (tmp_path / "authserver.toml").write_text('issuer = "https://auth.example.com"\n')
    demo = start("check", str(tmp_path))
    assert "was not written by the demo" in demo.output()
    assert demo.process.returncode == 2


def test_a_directory_that_cannot_be_made_is_told_in_one_line(start, tmp_path):
    (tmp_path / "file").write_text("")
    demo = start("check", str(tmp_path / "file"))
    output = demo.output()
    assert "FAILED at the start: " in output
    assert "Traceback" not in output
    assert demo.process.returncode == 1

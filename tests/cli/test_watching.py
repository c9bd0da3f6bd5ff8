"""Files of secrets are looked at, and a new content is taken without a request being dropped"""

import os
import threading
import time
from base64 import b64encode
from typing import Any

import pytest
import requests

from authserver.cli.watching import Watch
from tests.cli.served import free_port, served
from tests.cli.test_serve import AUTHSERVER, environment, make_place
from tests.settings.configuration import changed, toml

OLD, NEW = "old-secret-" + "0" * 32, "new-secret-" + "1" * 32
CLIENT = {"client_secrets": ["file:client-secret"]}


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret"
    path.write_text("one")
    return path


def test_a_file_that_stays_as_it_is_has_not_changed(secret):
    watch = Watch([secret])
    assert not watch.has_changed()
    os.utime(secret, (1, 1))
    assert not watch.has_changed()


@pytest.mark.parametrize("how", ["written", "replaced"])
def test_new_contents_are_noticed_once(secret, tmp_path, how):
    watch = Watch([secret])
    if how == "written":
        secret.write_text("two!")
    else:
        (tmp_path / "next").write_text("two")
        (tmp_path / "next").replace(secret)
    assert watch.has_changed()
    assert not watch.has_changed()


def test_a_link_that_points_elsewhere_is_noticed(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "secret").write_text(name)
    link = tmp_path / "data"
    link.symlink_to("one")
    watch = Watch([link / "secret"])
    (tmp_path / "next").symlink_to("two")
    (tmp_path / "next").replace(link)
    assert watch.has_changed()


def test_other_files_are_watched_and_nothing_is_missed_of_those_from_before(secret, tmp_path):
    watch = Watch([secret])
    other = tmp_path / "other"
    other.write_text("one")
    secret.write_text("two")
    watch.watch([secret, other])
    assert watch.has_changed()
    other.write_text("two")
    assert watch.has_changed()
    watch.watch([other])
    secret.write_text("three")
    assert not watch.has_changed()


def test_a_file_that_is_away_has_not_changed_yet(secret):
    watch = Watch([secret])
    secret.unlink()
    assert not watch.has_changed()
    secret.write_text("one")
    assert not watch.has_changed()
    secret.unlink()
    secret.write_text("two")
    assert watch.has_changed()


def introspect(port, secret):
    pair = b64encode(f"issues:{secret}".encode()).decode()
    return requests.post(
        f"http://127.0.0.1:{port}/introspect",
        data={"token": "x"},
        headers={"Authorization": f"Basic {pair}"},
        timeout=20,
    ).status_code


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


class Asking:
    """Somebody who asks all the time, and what did not succeed."""

    def __init__(self, port):
        self.failed: list[Any] = []
        self._url, self._stop = f"http://127.0.0.1:{port}/health", threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(30)

    def _ask(self):
        while not self._stop.is_set():
            try:
                status = requests.get(self._url, timeout=20).status_code
            except requests.RequestException as error:
                self.failed.append(repr(error))
            else:
                self.failed.extend([] if status == 200 else [status])


def test_a_secret_that_is_replaced_takes_effect_and_no_request_is_dropped(tmp_path):
    place = make_place(tmp_path)
    (place / "authserver.toml").write_text(toml(changed({"resources/issues/client": CLIENT})))
    mounted = place / "client-secret"
    mounted.write_text(OLD)
    port = free_port()
    command = [*AUTHSERVER, "serve", "--bind", f"127.0.0.1:{port}", "--workers", "1"]
    with served(command, port, cwd=place, env=environment(place)) as process:
        assert (introspect(port, OLD), introspect(port, NEW)) == (200, 401)
        with Asking(port) as asking:
            (place / "next").write_text(NEW)
            (place / "next").replace(mounted)
            until(lambda: introspect(port, NEW) == 200)
            mounted.write_text("")  # somebody is writing it: what there was stays
            for line in process.stdout:
                if "stays in effect" in line:
                    break
            assert introspect(port, NEW) == 200
        assert asking.failed == []

"""A server that loads the application and forks afterwards (gunicorn --preload)"""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.actors import ISSUER, write_config
from tests.embedding import forking
from tests.embedding.both import KINDS, Embedded, Host, settings_for


@pytest.mark.parametrize("kind", KINDS)
def test_embedding_starts_no_thread(kind, tmp_path, sqlite_url, monkeypatch):
    settings = settings_for(tmp_path, sqlite_url, f"{ISSUER}/auth")
    started: list[threading.Thread] = []
    monkeypatch.setattr(threading.Thread, "start", started.append)
    embedded = Embedded(kind, Host(), settings, upkeep=True)
    assert started == []
    monkeypatch.undo()
    assert embedded.ask("GET", "/auth/jwks.json").status == 200


def test_each_process_starts_its_own_upkeep_with_its_first_request(tmp_path, sqlite_url):
    # In a process of its own: this one has threads, and Python warns of a fork beside them.
    config = write_config(tmp_path, sqlite_url, "http://127.0.0.1:9/idp", f"{ISSUER}/auth")
    ran = subprocess.run(
        [sys.executable, forking.__file__, config],
        cwd=Path(__file__).parents[2],
        env={"PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    parent, child = map(json.loads, ran.stdout.splitlines()[-2:])
    assert child == {
        "before": [],
        "after the host": [],
        "status": 200,
        "upkeep is a daemon": [True],
    }
    assert parent == child

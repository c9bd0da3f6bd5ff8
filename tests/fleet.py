"""Two instances of `authserver serve` on one database, as an operator would run them"""

import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress

import pytest
import requests

from authserver.settings import load
from tests.actors import Clock, Deployment, write_config
from tests.asserting import SECRET
from tests.databases import DATABASES, postgresql_database, postgresql_url  # noqa: F401
from tests.devices import ON
from tests.upstream.hostile_idp import HostileIdp

INSTANCES = 2
AGENT = """
[clients.agent]
client_secrets = ["file:agent-secret"]
grant_types = ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
targets = ["issues"]
scopes = ["issues:read"]
"""
BOOT = 60  # seconds


@contextmanager
def _instance(config):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "authserver", "serve", "--config", config, "--workers", "1"]
    process = subprocess.Popen(
        [*command, "--bind", f"127.0.0.1:{port}"],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONWARNINGS": "default"},
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(url, process):
    deadline = time.monotonic() + BOOT
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(requests.ConnectionError):
            if requests.get(url, timeout=5).status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"no instance at {url}")


@pytest.fixture(scope="module", params=DATABASES)
def fleet(request, tmp_path_factory, migrated_sqlite, postgresql_database):  # noqa: F811
    """A Deployment that shares its database with two served instances, at `origins`."""
    folder = tmp_path_factory.mktemp("fleet")
    with ExitStack() as stack:
        idp = stack.enter_context(HostileIdp())
        idp.now = int(time.time())
        url = _url(request.param, folder, migrated_sqlite, postgresql_database)
        (folder / "agent-secret").write_text(SECRET)
        config = write_config(folder, url, idp.issuer, more=ON + AGENT)
        trusted = "[upstream]\nidentity_assertions = true"
        config.write_text(config.read_text().replace("[upstream]", trusted, 1))
        origins = [stack.enter_context(_instance(config)) for _ in range(INSTANCES)]
        deployment = stack.enter_context(Deployment(load(config), idp, Clock(int(time.time()))))
        yield deployment, origins


def _url(kind, folder, migrated_sqlite, database):
    from tests.databases import _TEMPLATE, _server, _sql

    if kind == "sqlite":
        path = folder / "authserver.db"
        path.write_bytes(migrated_sqlite.read_bytes())
        return f"sqlite:///{path}"
    name = f"{database}_fleet"  # of this worker alone
    with suppress(Exception):
        _sql(f"DROP DATABASE {name} WITH (FORCE)")
    _sql(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
    return _server().get_uri(name)

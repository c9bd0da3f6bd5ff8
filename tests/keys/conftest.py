"""Signing keys over a store in memory, and over a database where the database is the point"""

import pytest

from authserver.keys import SigningKeys
from authserver.sealing import Sealer, SealingKey
from authserver.storage.store import Store
from tests.databases import database_url, postgresql_database, postgresql_url  # noqa: F401
from tests.keys.memory_store import MemoryStore

SEALING_KEY = SealingKey.from_secret(b"a sealing key of thirty-two bytes")


@pytest.fixture
def memory():
    return MemoryStore()


@pytest.fixture
def make_keys(memory):
    """Make one more worker on the same database."""

    def make(store=memory, sealing_keys=(SEALING_KEY,), **options):
        settings = {"longest_token_lifetime": 900, **options}
        return SigningKeys(store, Sealer(sealing_keys), **settings)

    return make


@pytest.fixture
def store(database_url):  # noqa: F811 - the fixture
    """A store over a fresh database; the test runs on SQLite and on PostgreSQL."""
    opened = Store.open(database_url)
    yield opened
    opened.close()

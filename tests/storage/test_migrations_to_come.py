"""What later migrations rely on"""

import shutil
from contextlib import closing

import pytest

from authserver.assets import asset
from authserver.storage import migrate
from authserver.storage.store import Store

NEXT = """
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    with op.get_context().autocommit_block():
        op.create_index("ix_grants_sub", "grants", ["sub"], postgresql_concurrently=True)
"""


@pytest.fixture
def next_version(tmp_path, monkeypatch):
    """The migrations of a version after this one."""
    folder = tmp_path / "migrations"
    shutil.copytree(asset("migrations"), folder)
    (folder / "versions" / "0002_next.py").write_text(NEXT)
    monkeypatch.setattr(migrate, "asset", lambda _: folder)
    for cached in (migrate.head, migrate._known):
        cached.cache_clear()
    yield
    for cached in (migrate.head, migrate._known):
        cached.cache_clear()


def test_a_large_table_gets_an_index_while_others_write(empty_postgresql_url, next_version):
    """CREATE INDEX CONCURRENTLY runs in no transaction, and waits for everybody's snapshot."""
    migrate.upgrade(empty_postgresql_url)
    assert migrate.status(empty_postgresql_url) == ("0002", "0002")


def test_a_database_behind_is_seen_and_does_not_serve(database_url, next_version):
    assert migrate.status(database_url) == ("0001", "0002")
    with closing(Store.open(database_url)) as store:
        assert not store.schema_is_current()

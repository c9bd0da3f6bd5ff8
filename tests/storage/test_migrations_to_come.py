"""What later migrations rely on"""

import shutil
from contextlib import closing

import pytest

from authserver.assets import asset
from authserver.storage import migrate
from authserver.storage.store import Store

NEXT = """
from alembic import op

revision = "next"
down_revision = "{head}"


def upgrade():
    with op.get_context().autocommit_block():
        op.create_index("ix_grants_resource", "grants", ["resource"], postgresql_concurrently=True)
"""


@pytest.fixture
def next_version(tmp_path, monkeypatch):
    """The migrations of a version after this one."""
    folder = tmp_path / "migrations"
    shutil.copytree(asset("migrations"), folder)
    (folder / "versions" / "next.py").write_text(NEXT.format(head=migrate.head()))
    monkeypatch.setattr(migrate, "asset", lambda _: folder)
    for cached in (migrate.head, migrate._known):
        cached.cache_clear()
    yield
    for cached in (migrate.head, migrate._known):
        cached.cache_clear()


def test_a_large_table_gets_an_index_while_others_write(empty_postgresql_url, next_version):
    """CREATE INDEX CONCURRENTLY runs in no transaction, and waits for everybody's snapshot."""
    migrate.upgrade(empty_postgresql_url)
    assert migrate.status(empty_postgresql_url) == ("next", "next")


def test_a_database_behind_is_seen_and_does_not_serve(database_url, next_version):
    current, head = migrate.status(database_url)
    assert (current != head, head) == (True, "next")
    with closing(Store.open(database_url)) as store:
        assert not store.schema_is_current()

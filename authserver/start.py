"""What must be true before the first request: the schema is this version's, a key can sign."""

from authserver.audit import Audit
from authserver.build import build
from authserver.settings import Settings
from authserver.storage import migrate


class SchemaBehind(Exception):
    """The database's schema is older than this version, and this process must not change it."""

    def __init__(self) -> None:
        super().__init__("the database schema is behind this version: run authserver db upgrade")


def prepare(settings: Settings, now: int) -> None:
    """Make the database ready to serve, however many processes do so at once.

    An SQLite file belongs to this installation and is migrated here. A PostgreSQL database may
    serve other versions as well: its operator says when. Raises SchemaBehind, and what the
    storage and the signing keys raise. No connection stays open: a fork may follow.
    """
    if settings.database_url.startswith("sqlite:"):
        migrate.upgrade(settings.database_url)
    server = build(settings, clock=lambda: now, audit=Audit(lambda _: None))
    try:
        if not server.store.schema_is_current():
            raise SchemaBehind
        server.keys.prepare(now)
    finally:
        server.upstream.close()
        server.store.close()

"""From settings to a server: each part is made here, once, and handed to whoever needs it."""

from authserver import sealing
from authserver.app import AuthServer, Clock
from authserver.audit import Audit
from authserver.keys import SigningKeys
from authserver.oauth.access_token import ID_TOKEN_LIFETIME
from authserver.rate_limit import RateLimiter
from authserver.sealing import Sealer
from authserver.settings import Settings
from authserver.storage import migrate
from authserver.storage.store import Store
from authserver.upstream.oidc import OidcUpstreamClient


class SchemaBehind(Exception):
    """The database has an older schema, and it is the operator's to change."""


def build(settings: Settings, *, clock: Clock, audit: Audit) -> AuthServer:
    """Return the server with a usable database and signing key; the upstream is not asked.

    SQLite is migrated here, once for all who start together. Raises `SchemaBehind` for
    PostgreSQL, `StorageUnavailable` where the database does not answer.
    """
    store = _open_store(settings.database_url)
    keys = SigningKeys(
        store,
        Sealer(settings.sealing_keys),
        alg=settings.signing_alg,
        longest_token_lifetime=max(settings.longest_access_token_lifetime, ID_TOKEN_LIFETIME),
        rotation_interval=settings.rotation_interval,
        publish_lead=settings.publish_lead_time,
    )
    keys.prepare(clock())
    return AuthServer(
        settings=settings,
        store=store,
        keys=keys,
        refresh_keys=sealing.refresh_keys(settings.sealing_keys),
        upstream=OidcUpstreamClient(settings.upstream, settings.redirect_uri),
        audit=audit,
        limiter=RateLimiter(settings.rate_limits),
        clock=clock,
    )


def _open_store(url: str) -> Store:
    if url.startswith("sqlite"):
        migrate.upgrade(url)
    store = Store.open(url)
    if not store.schema_is_current():
        raise SchemaBehind("the database schema is behind: run `authserver db upgrade`")
    return store

"""From settings to a server: each part is made here, once, and handed to whoever needs it."""

from contextlib import suppress

from authserver import config_diff, sealing
from authserver.app import AuthServer, Clock
from authserver.audit import Audit
from authserver.kept import Kept
from authserver.keys import Agreement, SigningKeys, VaultCipher
from authserver.oauth import metadata
from authserver.oauth.access_token import ID_TOKEN_LIFETIME
from authserver.published.documents import ClientDocuments
from authserver.published.fetch import Fetcher
from authserver.rate_limit import RateLimiter
from authserver.sealing import Sealer
from authserver.settings import Settings, features, fingerprint
from authserver.storage import migrate
from authserver.storage.errors import StorageUnavailable
from authserver.storage.store import Store
from authserver.upstream import change
from authserver.upstream.bulkhead import DEFAULT_CALLS
from authserver.upstream.client import connect
from authserver.upstream.external_service import ExternalServiceClient
from authserver.upstream.trusted_issuer import TrustedIssuerClient


class SchemaBehind(Exception):
    """The database's schema is older than this version, and this process must not change it."""

    def __init__(self) -> None:
        super().__init__("the database schema is behind this version: run authserver db upgrade")


def build(
    settings: Settings,
    *,
    clock: Clock,
    audit: Audit,
    prepared: bool = False,
    upstream_calls: int = DEFAULT_CALLS,
) -> AuthServer:
    """Return the server with a usable database and a key that can sign; nobody else is asked.

    However many processes do so at once: an SQLite file belongs to this installation and is
    migrated here; a PostgreSQL database may serve other versions as well, its operator says when.
    `prepared` says that `prepare` was called, so that a database that is down by now stops nothing;
    `upstream_calls` is how many threads may wait at once for the upstream, or another server.
    Raises SchemaBehind, UpstreamChanged, StillReferred, KeyInUse, KeysDisagree, and what the
    storage and the signing keys raise.
    """
    store = Store.open(settings.database_url) if prepared else open_store(settings)
    sealer = Sealer(settings.sealing_keys)
    agreement, keys = Agreement(store, sealer), signing_keys(settings, store)
    try:
        with suppress(*((StorageUnavailable,) if prepared else ())):
            agreement.join(clock())
        if not prepared:
            _prepare(settings, store, keys, clock())
    except BaseException:
        store.close()
        raise
    return AuthServer(
        settings=settings,
        grant_types=frozenset(metadata.grant_types(features.of(settings))),
        store=store,
        keys=keys,
        refresh_keys=sealing.refresh_keys(settings.sealing_keys),
        dpop_nonces=sealing.dpop_nonces(settings.sealing_keys),
        user_codes=sealing.user_codes(settings.sealing_keys),
        client_id_keys=sealing.client_id_keys(settings.sealing_keys),
        vault_cipher=vault_cipher(settings, sealer),
        agreement=agreement,
        upstream=connect(settings.upstream, settings.redirect_uri, upstream_calls),
        trusted_issuers={
            each.issuer: TrustedIssuerClient(each, calls=upstream_calls)
            for each in settings.trusted_issuers
        },
        services={
            each.name: ExternalServiceClient(each, upstream_calls)
            for each in settings.external_services
        },
        documents=ClientDocuments(
            store,
            Fetcher(settings.client_documents_ca_file, settings.publishers.private_hosts),
            settings.publishers,
            settings.registration,
            upstream_calls,
        ),
        status_lists=Kept(),
        audit=audit,
        limiter=RateLimiter(settings.rate_limits),
        clock=clock,
    )


def prepare(settings: Settings, now: int, *, revoke: bool = False) -> tuple[str, ...]:
    """Do what `build` does to the database, and close it again: a fork may follow.

    `revoke` ends the grants that refer to what the configuration has no more; of each a sentence
    is returned. Raises what `build` raises.
    """
    store = open_store(settings)
    try:
        Agreement(store, Sealer(settings.sealing_keys)).check(now)
        return _prepare(settings, store, signing_keys(settings, store), now, revoke=revoke)
    finally:
        store.close()


def _prepare(
    settings: Settings, store: Store, keys: SigningKeys, now: int, *, revoke: bool = False
) -> tuple[str, ...]:
    change.check(fingerprint.of(settings.upstream), store, now)
    ended = config_diff.take(store, settings, now, revoke=revoke)
    keys.prepare(now)
    return ended


def open_store(settings: Settings) -> Store:
    """Return the store with this version's schema; raises SchemaBehind, UnfitDatabase."""
    if settings.database_url.startswith("sqlite:"):
        migrate.upgrade(settings.database_url)
    store = Store.open(settings.database_url)
    try:
        _check_schema(store)
    except BaseException:
        store.close()
        raise
    return store


def _check_schema(store: Store) -> None:
    if not store.schema_is_current():
        raise SchemaBehind
    store.check_schema()


def vault_cipher(settings: Settings, sealer: Sealer) -> VaultCipher:
    """Return what seals the vault as the settings want it."""
    return VaultCipher(sealer, accept_plaintext=settings.accept_plaintext)


def signing_keys(settings: Settings, store: Store) -> SigningKeys:
    """Return the signing keys as the settings want them; nothing is read yet."""
    return SigningKeys(
        store,
        Sealer(settings.sealing_keys),
        alg=settings.signing_alg,
        longest_token_lifetime=max(settings.longest_access_token_lifetime, ID_TOKEN_LIFETIME),
        rotation_interval=settings.rotation_interval,
        publish_lead=settings.publish_lead_time,
    )

"""AuthServer: everything an endpoint needs, as one frozen value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from authserver.audit import Audit
from authserver.kept import Kept
from authserver.keys import Agreement, SigningKeys, VaultCipher
from authserver.oauth.client import Client
from authserver.oauth.dpop_nonce import Nonces
from authserver.oauth.refresh_token import RefreshKeys
from authserver.oauth.resource import Resource, find
from authserver.oauth.signed_client import ClientIdKeys
from authserver.oauth.user_code import UserCodes
from authserver.published.documents import ClientDocuments
from authserver.rate_limit import RateLimiter
from authserver.settings import Settings
from authserver.storage.store import Reads, Store
from authserver.upstream.client import Upstream
from authserver.upstream.external_service import ExternalServiceClient
from authserver.upstream.trusted_issuer import TrustedIssuerClient

Clock = Callable[[], int]


@dataclass(frozen=True, slots=True)
class AuthServer:
    """The server: its settings and its parts; `clock` is the one place where time is read.

    `grant_types` are those that are on here, the same that the metadata lists.
    `trusted_issuers` are by the `iss` of their tokens, external `services` by their names;
    `status_lists` keeps the newest one, signed, with its ETag.
    """

    settings: Settings
    grant_types: frozenset[str]
    store: Store
    keys: SigningKeys
    refresh_keys: RefreshKeys
    dpop_nonces: Nonces
    user_codes: UserCodes
    client_id_keys: ClientIdKeys
    upstream: Upstream
    documents: ClientDocuments
    trusted_issuers: Mapping[str, TrustedIssuerClient]
    services: Mapping[str, ExternalServiceClient]
    status_lists: Kept[tuple[str, str]]
    vault_cipher: VaultCipher
    agreement: Agreement
    audit: Audit
    limiter: RateLimiter
    clock: Clock

    @property
    def issuer(self) -> str:
        """Return the issuer, the one configured opaque string."""
        return self.settings.issuer

    @property
    def pages_url(self) -> str:
        """Return what the URLs that browsers open begin with: the issuer, unless configured."""
        return self.settings.pages_url

    def client(self, reads: Reads, client_id: str) -> Client | None:
        """Return a client: one of the configuration, else one that registered.

        Those that publish themselves, or whose id is signed, are found by `endpoints.clients`.
        """
        configured = self.settings.clients.get(client_id)
        return reads.client(client_id) if configured is None else configured

    def resource(self, url: str) -> Resource | None:
        """Return the configured resource of a stored URL, None where it is configured no more."""
        return find(self.settings.resources, url)

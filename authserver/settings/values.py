"""What the server is told about itself: frozen values, made from one file by `load`"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal

from authserver.oauth import metadata
from authserver.oauth.client import Client, RegistrationPolicy
from authserver.oauth.client_document import Publishers
from authserver.oauth.downstream_server import DownstreamServer
from authserver.oauth.edge import Edge, Requester
from authserver.oauth.identity_assertion import UnknownResource
from authserver.oauth.resource import Resource
from authserver.oauth.workload import Workload
from authserver.sealing import SealingKey
from authserver.settings.external_service import ExternalService
from authserver.settings.sections import Section
from authserver.settings.trusted_issuer import TrustedIssuer
from authserver.settings.upstream import OidcUpstream, Upstream

SigningAlgorithm = Literal["ES256", "RS256", "EdDSA"]
DAY = 86400
ROTATION_INTERVAL = 90 * DAY
PUBLISH_LEAD_TIME = DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLifetimes:
    """How long what we issue lives, in seconds.

    `advertise_offline_access` lists that scope in the metadata; it is tolerated in any case.
    `token_batch` answers exchanges for several targets at once; `dpop` binds tokens to keys that
    clients prove to hold, and with `dpop_nonce` every proof needs a nonce of ours.
    """

    access_token_lifetime: int = 900
    authorization_code_lifetime: int = 60
    refresh_idle_lifetime: int = 30 * DAY
    refresh_absolute_lifetime: int = 365 * DAY
    advertise_offline_access: bool = False
    token_batch: bool = False
    dpop: bool = True
    dpop_nonce: bool = False
    identity_assertion_unknown_resource: UnknownResource = "invalid_grant"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """How often strangers may ask in a minute, per process; 0 switches a limit off.

    `pending_per_address` counts what is on its way at once, in the database, for all processes.

    `trusted_egress` are networks of hosted clients, many users behind one address: only
    `register_in_all` holds for their registrations.
    """

    register_per_address: int = 20
    register_in_all: int = 200
    authorize_per_address: int = 120
    pending_per_address: int = 300
    failures_per_client: int = 20
    fetches_per_address: int = 20
    fetches_per_host: int = 60
    user_codes_per_address: int = 20
    user_codes_in_all: int = 3000
    trusted_egress: tuple[IPv4Network | IPv6Network, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """How the pages look: who runs the server, and a folder of templates that come first."""

    operator: str = ""
    templates: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that is configured; `database_url` and what is sealed stay out of `repr`.

    `sealing_keys` are never empty: the first seals, all open. `trusted_proxies` counts the
    proxies in front whose X-Forwarded-For entries are believed, for the client's address only.
    `exposed_files` hold secrets, and others than their owner may read them; `secret_files` are
    all that hold some. `sections` are what the file says, as digests. `clients` are those of
    the file, by their ids, and `requesters` what they may exchange.
    """

    issuer: str
    upstream: Upstream
    resources: tuple[Resource, ...]
    database_url: str = field(repr=False)
    sealing_keys: tuple[SealingKey, ...] = field(repr=False)
    clients: Mapping[str, Client] = field(default_factory=dict)
    requesters: Mapping[str, Requester] = field(default_factory=dict)
    edges: tuple[Edge, ...] = ()
    trusted_issuers: tuple[TrustedIssuer, ...] = ()
    workloads: tuple[Workload, ...] = ()
    external_services: tuple[ExternalService, ...] = ()
    downstream_servers: tuple[DownstreamServer, ...] = ()
    signing_alg: SigningAlgorithm = "ES256"
    rotation_interval: int = ROTATION_INTERVAL
    publish_lead_time: int = PUBLISH_LEAD_TIME
    accept_plaintext: bool = False
    tokens: TokenLifetimes = field(default_factory=TokenLifetimes)
    registration: RegistrationPolicy = field(default_factory=RegistrationPolicy)
    publishers: Publishers = field(default_factory=Publishers)
    client_documents_ca_file: Path | None = None
    rate_limits: RateLimits = field(default_factory=RateLimits)
    pages: Pages = field(default_factory=Pages)
    trusted_proxies: int = 0
    pushed_authorization_requests: bool = True
    device_authorization: bool = False
    authorization_endpoint_base_url: str | None = None
    config_path: Path | None = None
    exposed_files: tuple[Path, ...] = ()
    secret_files: tuple[Path, ...] = ()
    sections: tuple[Section, ...] = ()

    def resource_named(self, key: str) -> Resource | None:
        """Return the resource of a name in the file."""
        return next((each for each in self.resources if each.key == key), None)

    @property
    def takes_identity_assertions(self) -> bool:
        """Say whether any issuer is trusted to say who users are to clients."""
        upstream = isinstance(self.upstream, OidcUpstream) and self.upstream.identity_assertions
        return upstream or any(each.identity_assertions for each in self.trusted_issuers)

    @property
    def has_status_list(self) -> bool:
        """Say whether the tokens of any resource are on the status list."""
        return any(each.status_list for each in self.resources)

    @property
    def pages_url(self) -> str:
        """Return what the URLs that browsers open begin with; all others begin with the issuer."""
        return self.authorization_endpoint_base_url or self.issuer

    @property
    def redirect_uri(self) -> str:
        """Return the one redirect URI that the upstream knows us by."""
        return f"{self.pages_url}/callback"

    @property
    def scopes_supported(self) -> tuple[str, ...]:
        """Return the scopes that our metadata lists."""
        return metadata.scopes_supported(
            self.resources, offline_access=self.tokens.advertise_offline_access
        )

    @property
    def longest_access_token_lifetime(self) -> int:
        """Return how long a retired signing key must stay published, in seconds."""
        return max(resource.access_token_lifetime for resource in self.resources)

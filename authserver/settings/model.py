"""The configuration file as pydantic models: names, types, defaults, and what each key means"""

from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from authserver.oauth.edge import UPSTREAM
from authserver.oauth.resource import MAX_SCOPES, Liveness, UpstreamTokenUse
from authserver.settings import clients, upstream_model
from authserver.settings.allow_model import AllowTable, TokenClaim
from authserver.settings.client_document_model import ClientDocumentsTable
from authserver.settings.client_model import (
    ClientKey,
    ClientTable,
    ResourceClientTable,
    ResourceKey,
)
from authserver.settings.downstream_model import DownstreamServerTable, ServerName
from authserver.settings.exchange_model import ExchangeTable
from authserver.settings.external_service_model import ExternalServiceTable, ServiceName
from authserver.settings.origin import Origin
from authserver.settings.policy_model import RateLimitsTable, RegistrationTable
from authserver.settings.problem import wrong
from authserver.settings.server_model import (
    DatabaseTable,
    KeysTable,
    PagesTable,
    ServerTable,
    TokensTable,
)
from authserver.settings.table import (
    AccessTokenLifetime,
    Issuer,
    Key,
    OwnScope,
    Page,
    ResourceName,
    ResourceUrl,
    Scope,
    Table,
    Text,
    absent,
    optional,
)
from authserver.settings.trusted_issuer_model import IssuerName, TrustedIssuerTable
from authserver.settings.upstream_model import AnyUpstreamTable
from authserver.settings.workload_model import WorkloadKey, WorkloadTable


class ScopeTable(Table):
    """One scope of a resource; a text alone is its description."""

    description: Text = Field(description="What it allows, in words for the user.")
    sensitive: bool = Field(
        default=False, description="Granted only where a client asks for it by name."
    )
    allow: AllowTable | None = absent(
        "Who may have it, of those who may use the resource; the keys are those of its `allow`.",
        '{ groups = ["developers"] }',
    )


def _described(value: object) -> object:
    return {"description": value} if isinstance(value, str) else value


class ResourceTable(Table):
    """`[resources.NAME]`: one MCP server; at least one is required."""

    url: ResourceUrl = Field(
        description="Its identifier and, in this spelling, the `aud` of its tokens.",
        examples=['"https://issues.example.com/mcp"'],
    )
    name: ResourceName = Field(
        "", description="What the user sees; NAME where left out.", validate_default=False
    )
    scopes: dict[OwnScope, Annotated[ScopeTable, BeforeValidator(_described)]] = Field(
        {},
        max_length=MAX_SCOPES,
        description="Each scope with a description, or with `{ description, sensitive, allow }`.",
        examples=['{ "issues:read" = "Read your issues" }'],
    )
    access_token_lifetime: AccessTokenLifetime | None = absent(
        "How long its access tokens live; `[tokens]` says it where left out.", '"5m"'
    )
    documentation: Page | None = absent(
        "A page about it for developers.", '"https://docs.example.com/mcp"'
    )
    allow: AllowTable | None = absent(
        "Who may use it; everybody who signs in where left out.",
        '{ email_domains = ["example.com"] }',
    )
    claims: list[TokenClaim] = Field(
        [],
        max_length=20,
        description="Claims of the user that its access tokens carry under the same names, 4 KiB "
        "in all; `email` only when verified, `groups` as `upstream.fields.groups` finds them.",
        examples=['["email", "groups"]'],
    )
    liveness: Liveness = Field(
        "login-only",
        description="Whether the provider is asked at each refresh if the user may still come; "
        "what a sign-in said is good for as long as the refresh token where it is not.",
    )
    status_list: bool = Field(
        default=False,
        description="Whether its tokens are on the status list, so that a verifier that works "
        "offline hears of a revocation within a minute.",
    )
    dpop_bound_access_tokens_required: bool = Field(
        default=False,
        description="Whether it takes only tokens that are bound to a key of the client's; clients "
        "without DPoP get none.",
    )
    retire: bool = Field(
        default=False,
        description="Whether it takes no new authorizations any more, while what was granted runs "
        "out; then it can be taken out.",
    )
    upstream_token: UpstreamTokenUse = Field(
        "none",
        description="Whether the upstream tokens of its users are kept, sealed, so that its server "
        "can get them in exchange for ours.",
    )
    upstream_scopes: list[Scope] = Field(
        [],
        max_length=50,
        description="What they are to be good for: asked for at the provider beside "
        "`upstream.scopes`, only at a sign-in for this resource.",
        examples=['["repo:read"]'],
    )

    client: ResourceClientTable | None = absent(
        "The MCP server as a client of its own, to exchange and introspect tokens issued for it.",
        '{ client_secrets = ["env:ISSUES_CLIENT_SECRET"] }',
    )

    @field_validator("dpop_bound_access_tokens_required")
    @classmethod
    def _noted(cls, value: bool, info: ValidationInfo) -> bool:  # noqa: FBT001
        if value and isinstance(info.context, Origin):
            info.context.needs_dpop.add("dpop_bound_access_tokens_required")
        return value

    @field_validator("upstream_scopes")
    @classmethod
    def _kept_for_something(cls, value: list[str], info: ValidationInfo) -> list[str]:
        if value and info.data.get("upstream_token") == "none":
            raise wrong("is not used", 'write upstream_token = "exchange", or leave out the scopes')
        return value


class File(Table):
    """The whole file. Order matters: resources are read before what names their scopes."""

    issuer: Issuer = Field(
        description="The public URL of this server, exactly as clients see it; never changed.",
        examples=['"https://auth.example.com"'],
    )
    upstream: AnyUpstreamTable = Field(
        description="The identity provider.", examples=["the table [upstream]"]
    )
    resources: dict[ResourceKey, ResourceTable] = Field(
        min_length=1,
        description="The MCP servers.",
        examples=["a table such as [resources.issues] with a url"],
    )
    trusted_issuers: dict[IssuerName, TrustedIssuerTable] = optional("Whose tokens are exchanged.")
    external_services: dict[ServiceName, ExternalServiceTable] = optional(
        "Who makes tokens for targets elsewhere."
    )
    downstream_servers: dict[ServerName, DownstreamServerTable] = optional(
        "Who takes our identity assertions."
    )
    clients: dict[ClientKey, ClientTable] = optional("Backends that exchange tokens.")
    exchanges: dict[Key, ExchangeTable] = optional("What may be exchanged for what.")
    workloads: dict[WorkloadKey, WorkloadTable] = optional("Jobs that bring a platform's token.")
    database: DatabaseTable = optional("Where the state is kept.")
    keys: KeysTable = optional("Sealing and signing keys.")
    tokens: TokensTable = optional("Lifetimes.")
    registration: RegistrationTable = optional("Who may register as a client.")
    client_documents: ClientDocumentsTable = optional("Clients that publish themselves.")
    rate_limits: RateLimitsTable = optional("What strangers may ask for in a minute.")
    pages: PagesTable = optional("How the pages look.")
    server: ServerTable = optional("What stands in front.")

    @field_validator("upstream", mode="before")
    @classmethod
    def _preset_and_type(cls, value: object, info: ValidationInfo) -> object:
        expanded: object = upstream_model.expand(value)
        is_opaque = isinstance(expanded, dict) and expanded.get("type") == "oauth2"
        if isinstance(info.context, Origin) and not is_opaque:
            info.context.sources.add(UPSTREAM)
        return expanded

    @field_validator("resources", mode="before")
    @classmethod
    def _names_and_scopes(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, dict):
            return value
        if isinstance(info.context, Origin):
            clients.note_resources(value, info.context)
        return {key: _named(key, table) for key, table in value.items()}

    @field_validator("trusted_issuers", mode="before")
    @classmethod
    def _sources(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, dict) and isinstance(info.context, Origin):
            names = {each for each in value if isinstance(each, str)}
            info.context.issuers.update(names)
            info.context.sources.update(names)
        return value

    @field_validator("external_services", mode="before")
    @classmethod
    def _targets(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, dict) and isinstance(info.context, Origin):
            clients.note_services(value, info.context)
        return value

    @field_validator("downstream_servers", mode="before")
    @classmethod
    def _further_targets(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, dict) and isinstance(info.context, Origin):
            clients.note_downstream_servers(value, info.context)
        return value

    @field_validator("clients", mode="before")
    @classmethod
    def _requesters(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, dict) and isinstance(info.context, Origin):
            clients.note_clients(value, info.context)
        return value


def _named(key: object, table: object) -> object:
    """Return the table of a resource with the names that it has unless others are written."""
    if not isinstance(table, dict):
        return table
    client = table.get("client")
    own = {"client": {"client_id": key, **client}} if isinstance(client, dict) else {}
    return {"name": key, **table, **own}

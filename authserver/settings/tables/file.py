"""The configuration file as a pydantic model: its tables, in the order they are read"""

from typing import get_args

from pydantic import Field, ValidationInfo, field_validator, model_validator

from authserver.oauth.edge import UPSTREAM
from authserver.settings import notes, sections
from authserver.settings.origin import Origin
from authserver.settings.problem import wrong
from authserver.settings.tables import upstream as upstream_model
from authserver.settings.tables.client import ClientKey, ClientTable, ResourceKey
from authserver.settings.tables.client_documents import ClientDocumentsTable
from authserver.settings.tables.downstream_server import DownstreamServerTable, ServerName
from authserver.settings.tables.exchange import ExchangeTable
from authserver.settings.tables.external_service import ExternalServiceTable, ServiceName
from authserver.settings.tables.rate_limits import RateLimitsTable
from authserver.settings.tables.registration import RegistrationTable
from authserver.settings.tables.resource import ResourceTable
from authserver.settings.tables.server import DatabaseTable, KeysTable, PagesTable, ServerTable
from authserver.settings.tables.table import Issuer, Key, Table, optional
from authserver.settings.tables.tokens import TokensTable
from authserver.settings.tables.trusted_issuer import IssuerName, TrustedIssuerTable
from authserver.settings.tables.upstream import AnyUpstreamTable
from authserver.settings.tables.workload import WorkloadKey, WorkloadTable


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

    @model_validator(mode="before")
    @classmethod
    def _noted(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, dict) and isinstance(info.context, Origin):
            notes.take(value, info.context)
        return value

    @field_validator(*sections.NAMED, mode="before")
    @classmethod
    def _each_has_a_name(cls, value: object, info: ValidationInfo) -> object:
        table = get_args(cls.model_fields[info.field_name or ""].annotation)[1]
        if isinstance(value, dict) and any(
            key in table.model_fields and not isinstance(each, dict) for key, each in value.items()
        ):
            raise wrong("is a table without a name", f"write [{info.field_name}.NAME]")
        return value

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
    def _names(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {key: _named(key, table) for key, table in value.items()}


def _named(key: object, table: object) -> object:
    """Return the table of a resource with the names that it has unless others are written."""
    if not isinstance(table, dict):
        return table
    client = table.get("client")
    own = {"client": {"client_id": key, **client}} if isinstance(client, dict) else {}
    return {"name": key, **table, **own}

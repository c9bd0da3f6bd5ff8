"""The configuration file as pydantic models: names, types, defaults, and what each key means"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from authserver.settings import secret
from authserver.settings.allow_model import AllowTable, ClaimPath, TokenClaim
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
    Parameter,
    ResourceName,
    ResourceUrl,
    Scope,
    Table,
    Text,
    UpstreamIssuer,
    absent,
    optional,
)
from authserver.settings.values import IdTokenAlgorithm, UpstreamClientAuth

_MIN_SHARED_KEY = 32  # bytes; RFC 7518 §3.2


class UpstreamTable(Table):
    """`[upstream]`: the one identity provider, which says who the user is."""

    type: Literal["oidc"] = Field(description="What the provider speaks.", examples=['"oidc"'])
    issuer: UpstreamIssuer = Field(
        description="Its issuer, spelled as in its own metadata; http on loopback only.",
        examples=['"https://login.example.com"'],
    )
    client_id: Text = Field(description="Our client id there.", examples=['"mcp-auth"'])
    client_auth: UpstreamClientAuth = Field(
        "client_secret_basic", description="How we authenticate at its token endpoint."
    )
    id_token_algs: list[IdTokenAlgorithm] = Field(
        ["RS256", "ES256", "PS256", "EdDSA"],
        min_length=1,
        description="Signatures accepted on ID tokens. HS256 needs a client_secret of 32 bytes.",
    )
    client_secret: Annotated[str | None, secret.OPTIONAL_SECRET] = Field(
        None,
        description='Our client secret there; required unless client_auth is "none".',
        examples=['"env:UPSTREAM_CLIENT_SECRET"'],
    )
    name: Text | None = absent(
        "What the sign-in button says; the host of the issuer where left out.", '"Example SSO"'
    )
    scopes: list[Scope] = Field(
        ["openid", "profile", "email"], description="What we ask for there; openid is required."
    )
    authorization_params: dict[Parameter, Text] = Field(
        {},
        description="Parameters added to the authorization request; the protocol's are refused.",
        examples=['{ hd = "example.com" }'],
    )
    groups_claim: ClaimPath = Field(
        "groups",
        description="The claim that holds the user's groups: a name, or a path such as "
        "realm_access.roles.",
    )
    request_timeout: float = Field(
        5.0, ge=0.5, le=30, description="Seconds that one sign-in may wait for the provider."
    )

    @field_validator("client_secret")
    @classmethod
    def _secret_fits(cls, value: str | None, info: ValidationInfo) -> str | None:
        auth = info.data.get("client_auth")
        if value is None and auth not in (None, "none"):
            raise wrong("is missing", 'write "env:NAME" or "file:/path", or client_auth = "none"')
        if value is not None and auth == "none":
            raise wrong('is not used with client_auth = "none"', "leave out one of the two")
        if "HS256" in info.data.get("id_token_algs", ()):
            _check_shared_key(value or "")
        return value

    @field_validator("scopes")
    @classmethod
    def _openid_is_asked(cls, value: list[str]) -> list[str]:
        if "openid" not in value:
            raise wrong("lacks openid", 'add "openid": without it there is no ID token')
        return value


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
        "in all; `email` only when verified, `groups` from `upstream.groups_claim`.",
        examples=['["email", "groups"]'],
    )


class File(Table):
    """The whole file. Order matters: resources are read before what names their scopes."""

    issuer: Issuer = Field(
        description="The public URL of this server, exactly as clients see it; never changed.",
        examples=['"https://auth.example.com"'],
    )
    upstream: UpstreamTable = Field(
        description="The identity provider.", examples=["the table [upstream]"]
    )
    resources: dict[Key, ResourceTable] = Field(
        min_length=1,
        description="The MCP servers.",
        examples=["a table such as [resources.issues] with a url"],
    )
    database: DatabaseTable = optional("Where the state is kept.")
    keys: KeysTable = optional("Sealing and signing keys.")
    tokens: TokensTable = optional("Lifetimes.")
    registration: RegistrationTable = optional("Who may register as a client.")
    rate_limits: RateLimitsTable = optional("What strangers may ask for in a minute.")
    pages: PagesTable = optional("How the pages look.")
    server: ServerTable = optional("What stands in front.")

    @field_validator("resources", mode="before")
    @classmethod
    def _names_and_scopes(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, dict):
            return value
        origin = info.context
        if isinstance(origin, Origin):
            for table in value.values():
                scopes = table.get("scopes") if isinstance(table, Mapping) else None
                origin.scopes.update(scopes if isinstance(scopes, Mapping) else ())
        return {
            key: {"name": key, **table} if isinstance(table, dict) else table
            for key, table in value.items()
        }


def _check_shared_key(value: str) -> None:
    if len(value.encode()) < _MIN_SHARED_KEY:
        raise wrong("is too short for HS256", "use 32 bytes or more, or leave HS256 out")

"""`[resources.NAME]` as pydantic models: one MCP server, its scopes, and who may use it"""

from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from authserver.oauth.resource import MAX_SCOPES, Liveness, UpstreamTokenUse
from authserver.settings.problem import wrong
from authserver.settings.tables.allow import AllowTable, TokenClaim
from authserver.settings.tables.client import ResourceClientTable
from authserver.settings.tables.table import (
    AccessTokenLifetime,
    OwnScope,
    Page,
    ResourceName,
    ResourceUrl,
    Scope,
    Table,
    Text,
    absent,
)


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

    @field_validator("upstream_scopes")
    @classmethod
    def _kept_for_something(cls, value: list[str], info: ValidationInfo) -> list[str]:
        if value and info.data.get("upstream_token") == "none":
            raise wrong("is not used", 'write upstream_token = "exchange", or leave out the scopes')
        return value

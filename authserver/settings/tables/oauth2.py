"""`[upstream]` with type = "oauth2", as pydantic models: RFC 6749 §3, §5.1"""

from pydantic import Field

from authserver.settings.tables.table import (
    Endpoint,
    FieldPath,
    Scope,
    ScopeParameter,
    SubjectPath,
    Table,
    UpstreamIssuer,
    absent,
    optional,
)
from authserver.settings.tables.upstream_common import MAX_PATHS, FieldsTable, UpstreamTable
from authserver.settings.upstream import Prompt, SecretClientAuth


class OAuth2FieldsTable(FieldsTable):
    """`[upstream.fields]`: where the user is described; of each list the first non-empty wins.

    A dot leads into a member.
    """

    subject: list[SubjectPath] = Field(
        ["sub"],
        min_length=1,
        max_length=MAX_PATHS,
        description="With oauth2: what names the user for ever, a text or an integer; + joins "
        "two of them.",
    )


class TokenFieldsTable(Table):
    """`[upstream.token_fields]`: where a token response holds its members, if not at the top."""

    access_token: FieldPath = Field("access_token", description="The access token.")
    refresh_token: FieldPath = Field("refresh_token", description="The refresh token.")
    expires_in: FieldPath = Field("expires_in", description="The access token's lifetime.")
    scope: FieldPath = Field("scope", description="What was granted, split at spaces and commas.")


class OAuth2Table(UpstreamTable):
    """What else it may hold with this type: a plain OAuth 2.0 provider, without ID tokens."""

    client_auth: SecretClientAuth = Field(
        "client_secret_basic", description="How we authenticate at its token endpoint."
    )
    issuer: UpstreamIssuer | None = absent(
        "The stable name of the provider, part of each user's identity; the origin of "
        "authorization_endpoint where left out.",
        '"https://login.example.com"',
    )
    authorization_endpoint: Endpoint = Field(
        description="Where the user signs in.", examples=['"https://login.example.com/authorize"']
    )
    token_endpoint: Endpoint = Field(
        description="Where we redeem the code.", examples=['"https://login.example.com/token"']
    )
    userinfo_endpoint: Endpoint | None = absent(
        "Whose JSON says who the user is; the token response says it where left out.",
        '"https://login.example.com/user"',
    )
    emails_endpoint: Endpoint | None = absent(
        "A list of { email, primary, verified }, of which the primary one counts, as GitHub has.",
        '"https://login.example.com/user/emails"',
    )
    scopes: list[Scope] = Field([], description="What we ask for there.")
    offline_scopes: list[Scope] = Field(
        [], description="Scopes added where its refresh token is to be kept."
    )
    scope_parameter: ScopeParameter = Field(
        "scope", description="The name of the parameter that asks for scopes."
    )
    prompts: list[Prompt] = Field([], description="The values of prompt that the provider knows.")
    fields: OAuth2FieldsTable = optional("Where the user is described.")
    token_fields: TokenFieldsTable = optional("Where the token response holds its members.")

"""What `[upstream]` holds with either type, as pydantic models: RFC 6749 §2.3, §4.1.1"""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from authserver.settings import presets, secret
from authserver.settings.problem import wrong
from authserver.settings.tables.table import (
    CaFile,
    FieldPath,
    OfflineParameter,
    Parameter,
    PresetName,
    Table,
    Text,
    absent,
)
from authserver.settings.upstream import UpstreamClientAuth

MAX_PATHS = 10


class FieldsTable(Table):
    """`[upstream.fields]`: where the user is described; of each list the first non-empty wins.

    A dot leads into a member.
    """

    name: list[FieldPath] = Field(["name"], max_length=MAX_PATHS, description="The name to show.")
    email: list[FieldPath] = Field(
        ["email"], max_length=MAX_PATHS, description="The e-mail address."
    )
    email_verified: list[FieldPath] = Field(
        ["email_verified"],
        max_length=MAX_PATHS,
        description="Whether the provider vouches for the address of the same document.",
    )
    groups: list[FieldPath] = Field(
        ["groups"], max_length=MAX_PATHS, description="The user's groups."
    )


class UpstreamTable(Table):
    """`[upstream]`: the one identity provider, which says who the user is."""

    type: Literal["oidc", "oauth2"] = Field(
        description="What the provider speaks; a preset knows it.", examples=['"oidc"']
    )
    preset: PresetName | None = absent(
        "What is known about this provider stands under all that is written here: "
        + ", ".join(presets.presets())
        + ".",
        '"google"',
    )
    client_id: Text = Field(description="Our client id there.", examples=['"mcp-auth"'])
    client_auth: UpstreamClientAuth = Field(
        "client_secret_basic",
        description="How we authenticate at its token endpoint; private_key_jwt with oidc only.",
    )
    client_secret: Annotated[str | None, secret.OPTIONAL_SECRET] = Field(
        None,
        description="Our client secret there; required if client_auth is one of a secret.",
        examples=['"env:UPSTREAM_CLIENT_SECRET"'],
    )
    name: Text | None = absent(
        "What the sign-in button says; the provider's host where left out.", '"Example SSO"'
    )
    authorization_params: dict[Parameter, Text] = Field(
        {},
        description="Parameters added to the authorization request; the protocol's are refused.",
        examples=['{ hd = "example.com" }'],
    )
    offline_params: dict[OfflineParameter, Text] = Field(
        {},
        description="Parameters added where its refresh token is to be kept.",
        examples=['{ access_type = "offline" }'],
    )
    token_request_scope: bool = Field(
        default=False, description="Whether its token endpoint wants the scopes once more."
    )
    request_timeout: float = Field(
        5.0, ge=0.5, le=30, description="Seconds that one sign-in may wait for the provider."
    )
    ca_file: CaFile | None = absent(
        "PEM file of the certificate authorities trusted for the provider, in place of the public "
        "ones of the `certifi` package.",
        '"ca.pem"',
    )

    @field_validator("client_secret")
    @classmethod
    def _secret_fits(cls, value: str | None, info: ValidationInfo) -> str | None:
        auth = info.data.get("client_auth")
        if value is None and auth in ("client_secret_basic", "client_secret_post"):
            raise wrong("is missing", 'write "env:NAME" or "file:/path", or client_auth = "none"')
        if value is not None and auth in ("none", "private_key_jwt"):
            raise wrong(f'is not used with client_auth = "{auth}"', "leave out one of the two")
        return value

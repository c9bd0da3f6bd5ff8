"""What the tables of the file have in common: strictness, and the types of their values"""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from authserver.oauth.redirect_uri import RedirectPattern
from authserver.settings import presets, provider, read, redirect, uri
from authserver.settings.duration import duration
from authserver.settings.origin import Read
from authserver.settings.values import DAY

Text = Annotated[str, Read("text", read.read_text)]
Key = Annotated[str, Read("name", read.read_key)]
ResourceName = Annotated[str, Read("text", read.read_name)]
Issuer = Annotated[str, Read("URL", uri.read_issuer)]
BaseUrl = Annotated[str, Read("URL", uri.read_base_url)]
UpstreamIssuer = Annotated[str, Read("URL", uri.read_upstream_issuer)]
Endpoint = Annotated[str, Read("URL", uri.read_endpoint)]
PresetName = Annotated[str, Read("name of a preset", presets.read_preset)]
Tenant = Annotated[str, Read("id of a tenant", provider.read_tenant)]
FieldPath = Annotated[str, Read("path of a member", provider.read_path)]
SubjectPath = Annotated[str, Read("path of a member", provider.read_subject_path)]
ScopeParameter = Annotated[str, Read("name", provider.read_scope_parameter)]
OfflineParameter = Annotated[str, Read("name", provider.read_offline_parameter)]
CaFile = Annotated[Path, Read("file", provider.read_ca_file)]
ResourceUrl = Annotated[str, Read("URL", uri.read_resource_url)]
Page = Annotated[str, Read("URL", uri.read_page)]
Folder = Annotated[Path, Read("folder", read.read_folder)]
DatabaseUrl = Annotated[str, Read("database URL or secret", read.read_database_url)]
Scope = Annotated[str, Read("scope", read.read_scope)]
OwnScope = Annotated[str, Read("scope", read.read_own_scope)]
KnownScope = Annotated[str, Read("scope", read.read_known_scope)]
Parameter = Annotated[str, Read("name", read.read_parameter)]
Network = Annotated[IPv4Network | IPv6Network, Read("CIDR network", read.read_network)]
Pattern = Annotated[RedirectPattern, Read("pattern", redirect.read_pattern)]
PrivateScheme = Annotated[str, Read("scheme", redirect.read_private_scheme)]
RedirectUri = Annotated[str, Read("URI", redirect.read_redirect_uri)]
AccessTokenLifetime = Annotated[int, duration(60, DAY)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]


class Table(BaseModel):
    """A table: unknown keys are mistakes, nothing is coerced, no error repeats what was written."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, validate_default=True
    )


def optional(description: str) -> Any:  # noqa: ANN401  (pydantic makes the table from the {})
    """Return the field of a table that may be left out."""
    return Field(default_factory=dict, description=description)


def absent(description: str, example: str) -> Any:  # noqa: ANN401  (a None that no type names)
    """Return the field of a key that has no value unless it is written."""
    return Field(default=None, description=description, examples=[example], validate_default=False)

"""The tables of the file about the server itself: database, keys, pages, what stands in front"""

from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from authserver.sealing import SealingKey
from authserver.settings import secret
from authserver.settings.duration import duration
from authserver.settings.origin import Origin
from authserver.settings.problem import wrong
from authserver.settings.tables.table import (
    BaseUrl,
    DatabaseUrl,
    Folder,
    Table,
    Text,
    absent,
)
from authserver.settings.values import (
    DAY,
    PUBLISH_LEAD_TIME,
    ROTATION_INTERVAL,
    SigningAlgorithm,
    TokenLifetimes,
)

_HOUR = 3600
_LIFETIMES = TokenLifetimes()
_SEAL: Any = [f"file:{secret.SEALING_KEY_FILE}"]


class DatabaseTable(Table):
    """`[database]`: where the state is kept."""

    url: DatabaseUrl = Field(
        "sqlite:///authserver.db",
        description="An SQLite file (a relative path starts at this file) or PostgreSQL; "
        "a URL with a password is named as a secret.",
        examples=['"env:DATABASE_URL"'],
    )


class KeysTable(Table):
    """`[keys]`: what seals secrets at rest, and what signs tokens."""

    seal: list[Annotated[SealingKey, secret.SEALING_KEY]] = Field(
        _SEAL,
        min_length=1,
        description="Sealing keys of at least 32 bytes: raw in a file, base64 in a variable. "
        "The first seals, all open.",
    )
    signing_alg: SigningAlgorithm = Field("ES256", description="The algorithm of new tokens.")
    rotation_interval: Annotated[int, duration(DAY, 365 * DAY)] = Field(
        ROTATION_INTERVAL, description="How long a key signs before the next one does."
    )
    publish_lead_time: Annotated[int, duration(_HOUR, 30 * DAY)] = Field(
        PUBLISH_LEAD_TIME, description="How long a key is published before it signs."
    )

    accept_plaintext: bool = Field(
        default=False,
        description="Whether upstream tokens that were stored unsealed are used, and sealed at "
        "their first use: while they are taken over from elsewhere.",
    )

    @field_validator("publish_lead_time")
    @classmethod
    def _published_within_the_interval(cls, value: int, info: ValidationInfo) -> int:
        if value >= info.data.get("rotation_interval", value + 1):
            raise wrong("is not shorter than rotation_interval", "write a shorter duration")
        return value


class PagesTable(Table):
    """`[pages]`: how the pages look."""

    operator: Text | None = absent("Who runs this server, shown on every page.", '"Example Corp"')
    templates: Folder | None = absent(
        "A folder whose templates come before ours, file by file.", '"templates"'
    )


class ServerTable(Table):
    """`[server]`: what stands in front."""

    pushed_authorization_requests: bool = Field(
        default=True,
        description="Whether clients may push their authorization requests to `/par` first.",
    )
    device_authorization: bool = Field(
        default=False,
        description="Whether devices without a browser may be clients (RFC 8628): their user types "
        "a code at `/device`. Whoever talks a user into typing a code gets in: only where it is "
        "needed.",
    )
    trusted_proxies: int = Field(
        0,
        ge=0,
        le=10,
        description="How many proxies in front append to X-Forwarded-For. It tells the client's "
        "address for rate limits and the audit; no URL is ever built from a header.",
    )
    authorization_endpoint_base_url: BaseUrl | None = absent(
        "What the URLs of pages begin with, `/authorize` and `/callback` among them, where "
        "browsers reach this server under another address than clients; the issuer where left "
        "out.",
        '"https://login.example.com"',
    )

    @field_validator("pushed_authorization_requests")
    @classmethod
    def _on_where_it_has_to_be(cls, value: bool, info: ValidationInfo) -> bool:  # noqa: FBT001
        if not value and isinstance(info.context, Origin) and info.context.needs_pushing:
            names = ", ".join(sorted(info.context.needs_pushing))
            raise wrong(
                f"is off, while requests have to be pushed by {names}",
                f"leave it out, or leave out {names}",
            )
        return value

    @field_validator("device_authorization")
    @classmethod
    def _on_where_needed(cls, value: bool, info: ValidationInfo) -> bool:  # noqa: FBT001
        if not value and isinstance(info.context, Origin) and info.context.needs_devices:
            names = ", ".join(sorted(info.context.needs_devices))
            raise wrong(
                f"is off, while the device grant is among the grant_types of {names}",
                "write device_authorization = true in [server], or leave out the grant there",
            )
        return value

"""`[tokens]`, as a pydantic model: what is issued, for how long, and bound to what"""

from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from authserver.oauth.identity_assertion import UnknownResource
from authserver.settings import notes, secret
from authserver.settings.duration import duration
from authserver.settings.origin import Origin
from authserver.settings.problem import wrong
from authserver.settings.tables.table import (
    AccessTokenLifetime,
    Table,
)
from authserver.settings.values import (
    DAY,
    TokenLifetimes,
)

_HOUR = 3600
_LIFETIMES = TokenLifetimes()
_SEAL: Any = [f"file:{secret.SEALING_KEY_FILE}"]


class TokensTable(Table):
    """`[tokens]`: how long what is issued lives."""

    access_token_lifetime: AccessTokenLifetime = Field(
        _LIFETIMES.access_token_lifetime,
        description="Access tokens; verifiers that work offline see a revocation only after it.",
    )
    authorization_code_lifetime: Annotated[int, duration(30, 600)] = Field(
        _LIFETIMES.authorization_code_lifetime, description="Authorization codes."
    )
    refresh_idle_lifetime: Annotated[int, duration(_HOUR, 365 * DAY)] = Field(
        _LIFETIMES.refresh_idle_lifetime, description="Refresh tokens that are not used."
    )
    refresh_absolute_lifetime: Annotated[int, duration(_HOUR, 730 * DAY)] = Field(
        _LIFETIMES.refresh_absolute_lifetime,
        description="From the consent to the end of every refresh; never extended.",
    )
    advertise_offline_access: bool = Field(
        default=False,
        description="List offline_access in the metadata. It is tolerated in any case; some "
        "clients answer its listing with a consent page at every login.",
    )

    token_batch: bool = Field(
        default=False,
        description="Answer exchanges for several targets at once at `/token-batch`, our own "
        "extension.",
    )

    dpop: bool = Field(
        default=_LIFETIMES.dpop,
        description="Whether tokens are bound to a key where a client proves to hold one (DPoP).",
    )
    dpop_nonce: bool = Field(
        default=_LIFETIMES.dpop_nonce,
        description="Whether each such proof needs a nonce of this server's, so that none can be "
        "made in advance; it costs clients a second request now and then.",
    )

    identity_assertion_unknown_resource: UnknownResource = Field(
        _LIFETIMES.identity_assertion_unknown_resource,
        description="What an identity assertion for a resource that is not here is answered: "
        "invalid_grant, says MCP; some clients and tests expect invalid_target.",
    )

    @field_validator("token_batch")
    @classmethod
    def _has_exchanges(cls, value: bool, info: ValidationInfo) -> bool:  # noqa: FBT001
        if value and isinstance(info.context, Origin) and not notes.has_exchanges(info.context):
            raise wrong(
                "is of no use where nothing is exchanged", "write [exchanges.NAME], or leave it out"
            )
        return value

    @field_validator("dpop")
    @classmethod
    def _on_where_needed(cls, value: bool, info: ValidationInfo) -> bool:  # noqa: FBT001
        if not value and isinstance(info.context, Origin) and info.context.needs_dpop:
            names = ", ".join(sorted(info.context.needs_dpop))
            raise wrong(
                f"is off, while tokens have to be bound to keys by {names}",
                f"write dpop = true, or leave out {names}",
            )
        return value

    @field_validator("dpop_nonce")
    @classmethod
    def _of_use(cls, value: bool, info: ValidationInfo) -> bool:  # noqa: FBT001
        if value and info.data.get("dpop") is False:
            raise wrong("is of no use without dpop", "leave it out, or write dpop = true")
        return value

    @field_validator("refresh_absolute_lifetime")
    @classmethod
    def _absolute_is_the_longest(cls, value: int, info: ValidationInfo) -> int:
        if value < info.data.get("refresh_idle_lifetime", 0):
            raise wrong("is shorter than refresh_idle_lifetime", "write a longer duration")
        return value

"""`[registration]`, as a pydantic model: who may register as a client: RFC 7591 §3"""

from typing import Annotated, Literal, TypeVar

from pydantic import Field, ValidationInfo, field_validator

from authserver.oauth.client import RegistrationPolicy
from authserver.settings.duration import duration
from authserver.settings.problem import wrong
from authserver.settings.tables.client import SecretDigest
from authserver.settings.tables.table import (
    KnownScope,
    Pattern,
    PrivateScheme,
    RedirectUri,
    Table,
)
from authserver.settings.values import DAY, RateLimits

_POLICY = RegistrationPolicy()
_LIMITS = RateLimits()
_HOUR = 3600
_Switch = TypeVar("_Switch", bool, list[str])


class RegistrationTable(Table):
    """`[registration]`: dynamic client registration."""

    enabled: bool = Field(
        default=_POLICY.enabled, description="Whether clients may register themselves."
    )
    allowed_redirect_uri_patterns: list[Pattern] = Field(
        [],
        max_length=100,
        description="Where written, every https redirect URI must match one from then on; "
        "registrations that are stored already stay as they are, but for `stateless` ones. * "
        "stands for any characters of one component: host, port or path.",
        examples=['["https://*.example.com/oauth/*"]'],
    )
    private_schemes: list[PrivateScheme] = Field(
        [],
        max_length=100,
        description="Schemes without a dot that redirect URIs of apps may have.",
        examples=['["acme-editor"]'],
    )
    private_schemes_mode: Literal["extend", "replace"] = Field(
        "extend", description="Whether private_schemes adds to the known editors or replaces them."
    )
    default_client_scopes: list[KnownScope] = Field(
        [],
        max_length=10,
        description="Scopes added to those that a client registers, for clients that ask for "
        "too few.",
        examples=['["issues:read"]'],
    )
    confidential_redirect_uris: list[RedirectUri] = Field(
        [],
        max_length=10,
        description="Exact https redirect URIs of clients that say they have no secret and then "
        "demand one.",
        examples=['["https://app.example.com/callback"]'],
    )
    idempotent: bool = Field(
        default=False,
        description="Whether public clients that register the same metadata get the same "
        "client_id. They share it: what is revoked by client is revoked for all of them.",
    )
    stateless: bool = Field(
        default=False,
        description="Whether a client_id holds what was registered, signed, so that nothing is "
        "stored before a user agreed. Public clients only, with little metadata.",
    )
    management: bool = Field(
        default=False,
        description="Whether a client gets a token with which it may read, change and remove its "
        "registration. Those without a row of their own get none.",
    )
    initial_access_tokens: list[SecretDigest] = Field(
        [],
        max_length=10,
        description="Where written, only who sends one of these tokens may register; several, so "
        "that one can be replaced while the other still works.",
        examples=['["env:INITIAL_ACCESS_TOKEN"]'],
    )
    unused_lifetime: Annotated[int, duration(_HOUR, 365 * DAY)] = Field(
        _POLICY.unused_lifetime,
        description="How long a registration is kept that no user ever authorised.",
    )
    idle_lifetime: Annotated[int, duration(DAY, 3650 * DAY)] = Field(
        _POLICY.idle_lifetime,
        description="How long a client is kept that has no live grant any more.",
    )

    @field_validator("idempotent", "stateless", "management", "initial_access_tokens")
    @classmethod
    def _while_open(cls, value: _Switch, info: ValidationInfo) -> _Switch:
        if value and info.data.get("enabled") is False:
            raise wrong(
                "is of no use while nobody may register (enabled = false)",
                "leave it out, or enabled",
            )
        return value

    @field_validator("management")
    @classmethod
    def _has_a_row(cls, value: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic's
        if value and info.data.get("stateless"):
            raise wrong(
                "is not possible beside stateless, which stores nothing that could be changed",
                "leave out one of the two",
            )
        return value

    @field_validator("stateless")
    @classmethod
    def _public_alone(cls, value: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic's
        if value and info.data.get("idempotent"):
            raise wrong("is not possible beside idempotent", "leave out one of the two")
        if value and info.data.get("confidential_redirect_uris"):
            raise wrong(
                "is for clients without secrets alone", "leave out confidential_redirect_uris"
            )
        return value

"""`[rate_limits]`, as a pydantic model: how often strangers may ask"""

from pydantic import Field

from authserver.settings.tables.table import Count, Network, Table
from authserver.settings.values import RateLimits

_LIMITS = RateLimits()


class RateLimitsTable(Table):
    """`[rate_limits]`: what one process answers in a minute; 0 switches a limit off."""

    register_per_address: Count = Field(
        _LIMITS.register_per_address,
        description="Registrations, and changes of them, from one address.",
    )
    register_in_all: Count = Field(
        _LIMITS.register_in_all, description="Registrations from all addresses."
    )
    authorize_per_address: Count = Field(
        _LIMITS.authorize_per_address,
        description="Authorization requests from one address, and its sign-ins.",
    )
    pending_per_address: Count = Field(
        _LIMITS.pending_per_address,
        description="Requests of one address on their way at once, over all processes: "
        "authorization requests, pushed ones, and those of devices. Each counts until a user "
        "approves it or it ends: after ten minutes, a pushed one after 90 seconds. Its row is "
        "deleted an hour later. What is refused without a page leaves none.",
    )
    failures_per_client: Count = Field(
        _LIMITS.failures_per_client,
        description="Refused secrets, codes and tokens of one client at one address, and logout "
        "tokens from one.",
    )
    fetches_per_address: Count = Field(
        _LIMITS.fetches_per_address,
        description="Documents of clients, and their keys, that one address has us fetch.",
    )
    fetches_per_host: Count = Field(
        _LIMITS.fetches_per_host,
        description="The same, from one host; as many again for those that are known here, which "
        "are counted apart.",
    )
    user_codes_per_address: Count = Field(
        _LIMITS.user_codes_per_address,
        description="Codes of devices, right or wrong, that one address or one browser types.",
    )
    user_codes_in_all: Count = Field(
        _LIMITS.user_codes_in_all, description="The same, from all addresses."
    )
    trusted_egress: list[Network] = Field(
        [],
        max_length=100,
        description="Networks of hosted clients, where one address stands for many users: the "
        "limits per address on what clients ask do not hold there (registrations, authorization "
        "requests, fetched documents). Claude's is 160.79.104.0/21.",
        examples=['["160.79.104.0/21"]'],
    )

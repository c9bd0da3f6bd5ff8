"""`[workloads.NAME]`: who gets tokens by what their platform says of them: RFC 7523 §2.1"""

from types import MappingProxyType
from typing import Annotated

from pydantic import Field, field_validator

from authserver.oauth.workload import Workload
from authserver.settings import clients, read
from authserver.settings.origin import Origin, Read
from authserver.settings.problem import wrong
from authserver.settings.tables.allow import ClaimValues
from authserver.settings.tables.client import ClientKey
from authserver.settings.tables.table import Table


def read_issuer_name(value: object, origin: Origin) -> str:
    """Return the name of a trusted issuer of this file."""
    if not isinstance(value, str) or value not in origin.issuers:
        names = clients.known("trusted issuers", origin.issuers)
        raise wrong(
            "is not the name of a trusted issuer",
            f"write NAME of a [trusted_issuers.NAME]; {names}",
        )
    clients.check_made_for_us(value, origin)
    return value


def read_resource(value: object, origin: Origin) -> str:
    """Return the name of a resource of this file."""
    if not isinstance(value, str) or value not in origin.resource_scopes:
        names = clients.known("resources", origin.resource_scopes)
        raise wrong("is not the name of a resource", names)
    return value


ClaimPath = Annotated[str, Read("name of a claim", read.read_text)]
ResourceOf = Annotated[str, Read("name of a resource", read_resource)]
ScopeOf = Annotated[str, Read("scope", clients.read_target_scope)]
WorkloadKey = ClientKey
# Whoever asks the platform for a token chooses some of these, and the others are in every one.
_OF_ANY_TOKEN = frozenset({"iss", "aud", "azp", "exp", "iat", "nbf", "jti"})


class WorkloadTable(Table):
    """`[workloads.NAME]`: a job or service that brings its platform's token and no other secret.

    NAME is the `client_id` of its tokens. Each list narrows what it may do; none may be left out.
    """

    issuer: Annotated[str, Read("name", read_issuer_name)] = Field(
        description="The name of the trusted issuer whose tokens it brings.",
        examples=['"cluster"'],
    )
    claims: dict[ClaimPath, ClaimValues] = Field(
        min_length=1,
        max_length=20,
        description="Claims (or paths) that its tokens must all have, each with the values that "
        "are enough.",
        examples=['{ sub = "system:serviceaccount:prod:robot" }'],
    )
    targets: list[ResourceOf] = Field(
        min_length=1, description="The resources that it may use.", examples=['["issues"]']
    )
    scopes: list[ScopeOf] = Field(
        description="The most that its tokens may allow there.", examples=['["issues:read"]']
    )

    @field_validator("claims")
    @classmethod
    def _tells_one_job_from_another(
        cls, value: dict[str, frozenset[str]]
    ) -> dict[str, frozenset[str]]:
        if value.keys() <= _OF_ANY_TOKEN:
            raise wrong(
                "admits every token of the issuer",
                "name what only this job has, as sub, repository or kubernetes.io.namespace",
            )
        if any("*" in each for values in value.values() for each in values):
            raise wrong(
                "has a * in it, while values are compared to the letter",
                "list each value that is enough, or name a claim that is the same for all of them",
            )
        return value


def to_workload(name: str, table: WorkloadTable) -> Workload:
    """Return the workload that a valid table means."""
    return Workload(
        name=name,
        issuer=table.issuer,
        claims=MappingProxyType(dict(table.claims)),
        targets=frozenset(table.targets),
        scopes=frozenset(table.scopes),
    )

"""The table of the file that says who may use a resource, and what its tokens say about the user"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from authserver.settings import allow
from authserver.settings.origin import Read
from authserver.settings.problem import wrong
from authserver.settings.tables.table import Table, absent

EmailDomain = Annotated[str, Read("domain", allow.read_email_domain)]
Email = Annotated[str, Read("e-mail address", allow.read_email)]
Subject = Annotated[
    tuple[str | None, str], Read("text or `{ issuer, subject }`", allow.read_subject)
]
Group = Annotated[str, Read("text", allow.read_group)]
ClaimPath = Annotated[str, Read("name of a claim", allow.read_claim_path)]
ClaimValues = Annotated[frozenset[str], Read("value or list of values", allow.read_claim_values)]
TokenClaim = Annotated[str, Read("name of a claim", allow.read_token_claim)]

_LISTED = Field(min_length=1, max_length=1000)


class AllowTable(Table):
    """`[resources.NAME.allow]`: who may use it: whoever meets any rule. Left out, everybody may."""

    email_domains: Annotated[list[EmailDomain], _LISTED] | None = absent(
        "Domains of e-mail addresses that the provider says are verified; not their subdomains.",
        '["example.com"]',
    )
    emails: Annotated[list[Email], _LISTED] | None = absent(
        "E-mail addresses that the provider says are verified. They change hands: prefer subjects.",
        '["ada@example.com"]',
    )
    subjects: Annotated[list[Subject], _LISTED] | None = absent(
        "The provider's own ids of users (`sub`), of any issuer or of the one that is named.",
        '["00u1b2c3"]',
    )
    groups: Annotated[list[Group], _LISTED] | None = absent(
        "Groups of the user, as `upstream.fields.groups` finds them.", '["developers"]'
    )
    claims: Annotated[dict[ClaimPath, ClaimValues], _LISTED] | None = absent(
        "Claims (or paths such as realm_access.roles), each with the values that are enough; of a "
        "claim that is a list, one member.",
        '{ department = ["support", "sales"] }',
    )

    @model_validator(mode="after")
    def _admits_somebody(self) -> Self:
        if not any(getattr(self, name) for name in type(self).model_fields):
            raise wrong(
                "admits nobody", "name whom, or leave it out: then everybody who signs in may"
            )
        return self

"""Who the upstream says the user is: OpenID Connect Core 1.0 §2, §5.1, §5.7"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from authserver.settings.upstream import ProfileFields
from authserver.upstream import fields as members
from authserver.upstream.token_request import Tokens


@dataclass(frozen=True, slots=True)
class UpstreamIdentity:
    """A user as one verified sign-in describes them; only (issuer, subject) is an identity.

    Name and e-mail are for display: they change hands. `auth_time` is epoch seconds, never in the
    future. `claims` are the verified ID token's, with userinfo's where the ID token had none (or
    the document's that names the user); `groups` in them is where the configuration finds groups.
    `tokens` are the provider's.
    """

    issuer: str
    subject: str
    name: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    email_verified: bool = False
    auth_time: int | None = None
    sid: str | None = field(default=None, repr=False)
    claims: Mapping[str, object] = field(default_factory=dict, repr=False)
    tokens: Tokens | None = field(default=None, repr=False)


def from_claims(
    issuer: str,
    subject: str,
    documents: tuple[Mapping[str, object], ...],
    fields: ProfileFields,
) -> UpstreamIdentity:
    """Return the identity that verified documents about one user describe, the first one first."""
    merged: dict[str, object] = {}
    for document in reversed(documents):
        merged |= document
    email, email_verified = members.email(documents, fields)
    return UpstreamIdentity(
        issuer=issuer,
        subject=subject,
        name=next((name for each in documents if (name := members.text(each, fields.name))), None),
        email=email,
        email_verified=email_verified,
        claims=MappingProxyType(members.with_groups(merged, fields)),
    )


def has_profile(claims: Mapping[str, object], fields: ProfileFields) -> bool:
    """Say whether the claims name the user and their e-mail address."""
    address, _ = members.email((claims,), fields)
    return members.text(claims, fields.name) is not None and address is not None

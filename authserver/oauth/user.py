"""The user, as the upstream described them at the last sign-in: OpenID Connect Core §2, §5.1."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class User:
    """A person, known by the upstream's issuer and subject and never by an e-mail address.

    `sub` is our own stable identifier, the only one that clients see. `described_at` is when the
    upstream said what is known of them: at a sign-in, or in an assertion.
    """

    sub: str
    upstream_issuer: str
    upstream_subject: str
    name: str | None
    email: str | None
    email_verified: bool
    claims: Mapping[str, object] = field(repr=False)
    created_at: int
    last_login_at: int
    described_at: int = 0

"""Rules that say whom something is for, any of which is enough: OpenID Connect Core §5.1, §5.7."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from authserver.oauth import claim
from authserver.oauth.user import User


@dataclass(frozen=True, slots=True)
class Allow:
    """Who is admitted: whoever meets one rule. Without a rule it admits nobody.

    `email_domains` are lower-case, `emails` as `email_address` returns them; both count for
    verified addresses only. `subjects` are pairs of the upstream's issuer, None for any, and its
    subject. `claims` are wanted values by claim path.
    """

    email_domains: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    subjects: frozenset[tuple[str | None, str]] = frozenset()
    claims: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def admits(self, user: User) -> bool:
        """Say whether the user meets one of the rules."""
        return self._by_email(user) or self._by_subject(user) or self._by_claim(user)

    def _by_email(self, user: User) -> bool:
        address = email_address(user.email) if user.email_verified and user.email else None
        if address is None:
            return False
        return address in self.emails or address.partition("@")[2] in self.email_domains

    def _by_subject(self, user: User) -> bool:
        subject = user.upstream_subject
        return not self.subjects.isdisjoint({(None, subject), (user.upstream_issuer, subject)})

    def _by_claim(self, user: User) -> bool:
        return any(
            not wanted.isdisjoint(claim.values(claim.find(user.claims, path)))
            for path, wanted in self.claims.items()
        )


def email_address(text: str) -> str | None:
    """Return an address with its domain in lower case, None for what is not one plain address.

    A second @ is refused: readers disagree about which of the two ends the name. So is a domain
    that is not ASCII: its upper and lower case are no matter of taste.
    """
    name, at, domain = text.partition("@")
    if not (name and at and domain and domain.isascii()) or "@" in domain:
        return None
    return f"{name}@{domain.lower()}"

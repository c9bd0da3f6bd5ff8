"""What a workload may have, known by what its own platform says of it: RFC 7523 §2.1, §3."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from authserver.oauth import claim
from authserver.oauth.errors import OAuthError

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class Workload:
    """Tokens of an issuer with all of these claims, and what they are worth here.

    `issuer` is its name in the configuration; `claims` are the values that are enough, by the path
    to each claim. `targets` are names of resources, `scopes` the most that is given there.
    """

    name: str
    issuer: str
    claims: Mapping[str, frozenset[str]] = field(default_factory=dict)
    targets: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()

    def admits(self, claims: Mapping[str, object]) -> bool:
        """Say whether the claims meet every rule; without a rule, none do."""
        return bool(self.claims) and all(
            not wanted.isdisjoint(claim.values(claim.find(claims, path)))
            for path, wanted in self.claims.items()
        )


def find(
    workloads: tuple[Workload, ...], issuer: str, claims: Mapping[str, object]
) -> tuple[Workload, ...]:
    """Return those that a token of the issuer is of; raises `invalid_grant` where it is none."""
    found = tuple(each for each in workloads if each.issuer == issuer and each.admits(claims))
    if not found:
        raise refused("no_workload")
    return found


def refused(detail: str) -> OAuthError:
    """Return the refusal of an assertion, the same for every reason."""
    return OAuthError("invalid_grant", "The assertion is not valid.", detail=f"assertion_{detail}")

"""What a token exchange is for, by URL or name: RFC 8693 §2.1, RFC 8707 §2.

The URLs and names of resources, `upstream` and the names of external services are one name space.
"""

from collections.abc import Collection
from dataclasses import dataclass

from authserver.oauth import resource
from authserver.oauth.downstream_server import DownstreamServer
from authserver.oauth.edge import UPSTREAM, no_target
from authserver.oauth.params import Params
from authserver.oauth.resource import Resource


@dataclass(frozen=True, slots=True)
class Target:
    """One target: its name, and the resource or downstream server where it is one."""

    name: str
    resource: Resource | None = None
    downstream: DownstreamServer | None = None

    @property
    def audience(self) -> str | None:
        """Return whom we name in what we sign for it; None where others make its tokens."""
        if self.downstream is not None:
            return self.downstream.issuer
        return None if self.resource is None else self.resource.url


def find(params: Params, resources: tuple[Resource, ...], services: Collection[str]) -> Target:
    """Return the one target of a request; raises `invalid_target`.

    `resource` holds URLs, `audience` URLs or names; several values must mean the same target, for
    what is issued has one audience.
    """
    by_url = [resource.find(resources, each) for each in params.all("resource")]
    found = [
        *(None if each is None else Target(each.key, each) for each in by_url),
        *(named(each, resources, services) for each in params.all("audience")),
    ]
    first = found[0] if found else None
    if first is None or any(other is None or other.name != first.name for other in found):
        raise no_target("unknown_missing_or_several")
    return first


def named(
    audience: str, resources: tuple[Resource, ...], services: Collection[str]
) -> Target | None:
    """Return the target that one `audience` names."""
    by_url = resource.find(resources, audience)
    for each in resources:
        if each is by_url or each.key == audience:
            return Target(each.key, each)
    return Target(audience) if audience == UPSTREAM or audience in services else None

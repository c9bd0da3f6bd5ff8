"""What the operator lets be exchanged: who, from what, for what: RFC 8693 §2.1, §2.2.2."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from authserver.oauth.act import Party
from authserver.oauth.errors import OAuthError

UPSTREAM = "upstream"  # the name of the upstream among sources and targets
ANYBODY = "*"  # must be written where a list of names is to hold for all


@dataclass(frozen=True, slots=True)
class Requester:
    """What the configuration lets a client exchange; without `resource` it is a delegate.

    `resource` is the name of the one whose own client it is. A delegate names its `targets` and
    `scopes`, and in `source_clients` whose users' tokens it may present: our clients by their ids,
    those of another source as `NAME:id`, all of its as `NAME:*`; `*` is everybody's.
    """

    client_id: str
    resource: str | None = None
    targets: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    source_clients: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Edge:
    """One way that the operator opened: who may turn a token of `source` into one for `target`.

    `scopes` says for each scope of the source what it is worth at the target; `fixed_scopes` are
    worth it whatever a foreign token says. `actors` are whose actor tokens are believed without a
    `may_act`, or with `any_actor` everybody's; `impersonate` leaves `act` out; with
    `allow_unbound` a token that is bound to a key brings one that is not, of a target elsewhere.
    """

    name: str
    requester: str
    source: str
    target: str
    scopes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fixed_scopes: tuple[str, ...] = ()
    actors: frozenset[Party] = frozenset()
    any_actor: bool = False
    impersonate: bool = False
    allow_unbound: bool = False


def find_edge(edges: tuple[Edge, ...], requester: str, source: str, target: str) -> Edge:
    """Return the one edge of the three; raises `invalid_target`."""
    for edge in edges:
        if (edge.requester, edge.source, edge.target) == (requester, source, target):
            return edge
    raise no_target("no_edge")


def no_target(detail: str) -> OAuthError:
    """Return the refusal of a target: unknown and not allowed look the same."""
    return OAuthError("invalid_target", "The requested target is not available.", detail=detail)

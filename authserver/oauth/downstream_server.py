"""Authorization servers elsewhere that take our identity assertions (ID-JAG): RFC 8693 §2.1.

Identity Assertion JWT Authorization Grant draft, MCP Enterprise-Managed Authorization §4.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from authserver.oauth import act, resource, scope
from authserver.oauth.edge import no_target
from authserver.oauth.exchange import Exchange
from authserver.oauth.params import Params

LIFETIME = 300  # seconds: an assertion is presented at once


@dataclass(frozen=True, slots=True)
class DownstreamServer:
    """A server that trusts us to say who users are, and what may be asked for there.

    `client_ids` are the names by which it knows our requesters, by their ids here; `resources` are
    the URLs of its own. `claims` are what an assertion tells of the user beside `sub`.
    """

    name: str
    issuer: str
    client_ids: Mapping[str, str] = field(default_factory=dict)
    resources: tuple[str, ...] = ()
    scopes: frozenset[str] = frozenset()
    claims: tuple[str, ...] = ()


def find(params: Params, servers: tuple[DownstreamServer, ...]) -> DownstreamServer:
    """Return the server that `audience` names, by issuer or name; raises `invalid_target`."""
    audiences = set(params.all("audience"))
    found = [each for each in servers if audiences & {each.name, each.issuer}]
    if len(found) != 1 or not audiences <= {found[0].name, found[0].issuer}:
        raise no_target("no_downstream_server")
    return found[0]


def resource_of(server: DownstreamServer, presented: tuple[str, ...]) -> str:
    """Return the one resource of the server that a request names; raises `invalid_target`.

    Absent means the only one configured.
    """
    if not presented and len(server.resources) == 1:
        return server.resources[0]
    wanted = {resource.canonical(each) for each in presented}
    found = [each for each in server.resources if resource.canonical(each) in wanted]
    if len(wanted) != 1 or len(found) != 1:
        raise no_target("no_resource_of_the_downstream_server")
    return found[0]


def client_id_at(server: DownstreamServer, requester: str) -> str:
    """Return the name of a requester there; raises `invalid_target` where it has none."""
    found = server.client_ids.get(requester)
    if found is None:
        raise no_target("requester_unknown_to_the_downstream_server")
    return found


@dataclass(frozen=True, slots=True)
class Addressee:
    """For whom an assertion is made: our requester by its name there, and one resource there."""

    server: DownstreamServer
    client_id: str
    resource: str


def address(server: DownstreamServer, requester: str, presented: tuple[str, ...]) -> Addressee:
    """Return for whom a request asks; raises `invalid_target`."""
    return Addressee(server, client_id_at(server, requester), resource_of(server, presented))


def assertion_claims(
    decided: Exchange,
    to: Addressee,
    user_claims: Mapping[str, object],
    *,
    issuer: str,
    jti: str,
    now: int,
) -> dict[str, object]:
    """Return the claims of an assertion about the subject of an exchange, for this one server."""
    subject = decided.subject
    claims: dict[str, object] = {
        **user_claims,
        "iss": issuer,
        "sub": subject.sub,
        "aud": to.server.issuer,
        "client_id": to.client_id,
        "resource": to.resource,
        "scope": scope.join(decided.scope),
        "iat": now,
        "exp": min(now + LIFETIME, subject.expires_at),
        "jti": jti,
    }
    acting = act.claim(decided.actors)
    optional = {"auth_time": subject.auth_time, "act": acting}
    claims |= {name: value for name, value in optional.items() if value is not None}
    if decided.jkt is not None:
        claims["cnf"] = {"jkt": decided.jkt}
    return claims

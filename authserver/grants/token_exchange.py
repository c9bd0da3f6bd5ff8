"""The token exchange grant: whose token it is, and what may be had for it: RFC 8693 §2.

It reads, and decides by `oauth.exchange`; nothing is spent, for a subject token may be exchanged
until it expires.
"""

from dataclasses import dataclass, replace

from authserver.app import AuthServer
from authserver.grants import subject_token
from authserver.oauth import (
    downstream_server,
    edge,
    exchange,
    exchange_request,
    policy,
    target,
)
from authserver.oauth.act import Party
from authserver.oauth.client import Client
from authserver.oauth.edge import Requester
from authserver.oauth.errors import OAuthError
from authserver.oauth.exchange import Exchange, Subject
from authserver.oauth.exchange_request import ExchangeRequest
from authserver.oauth.grant import Grant
from authserver.oauth.params import Params
from authserver.oauth.target import Target
from authserver.oauth.user import User
from authserver.storage.anchors import LiveToken


@dataclass(frozen=True, slots=True)
class Presented:
    """The tokens of a request, verified, who presents them, and the key that it proved to hold."""

    requester: Requester
    subject: Subject
    live: LiveToken
    actor: Party | None
    scope: tuple[str, ...]
    jkt: str | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """What may be had for which target, for which user and of which grant, where there are such."""

    exchange: Exchange
    target: Target
    user: User | None
    grant: Grant | None = None


def prove(
    server: AuthServer, client: Client, params: Params, now: int, jkt: str | None = None
) -> Proof:
    """Prove a request for one target; raises what `oauth.exchange` raises."""
    requester = find_requester(server, client)
    request = exchange_request.parse(params)
    wanted = _find_target(server, request, params)
    return decide(server, verify(server, requester, request, now, jkt), wanted)


def _find_target(server: AuthServer, request: ExchangeRequest, params: Params) -> Target:
    """Return the target; of an identity assertion a server elsewhere, whose resource is named."""
    if request.wants_assertion:
        if not server.settings.downstream_servers:
            raise OAuthError("invalid_request", "The requested_token_type is not supported.")
        found = downstream_server.find(params, server.settings.downstream_servers)
        return Target(found.name, downstream=found)
    return target.find(params, server.settings.resources, server.services)


def verify(
    server: AuthServer,
    requester: Requester,
    request: ExchangeRequest,
    now: int,
    jkt: str | None = None,
) -> Presented:
    """Verify the tokens of a request; raises `invalid_request`, `temporarily_unavailable`."""
    subject, live = subject_token.verify(server, requester, request, now)
    actor = subject_token.verify_actor(server, requester, request, now, jkt)
    return Presented(requester, subject, live, actor, request.scope, jkt)


def decide(server: AuthServer, presented: Presented, wanted: Target) -> Proof:
    """Decide what the presented tokens are worth at a target; raises as `oauth.exchange` does."""
    requester, subject = presented.requester, presented.subject
    if wanted.downstream is not None and presented.live.user is None:
        description = "An identity assertion is about a user, and the subject token is not."
        raise OAuthError("invalid_request", description, detail="not_a_user")
    if wanted.resource is None:
        subject = _as_allowed_now(server, subject, presented.live.user)
    way = edge.find_edge(server.settings.edges, requester.client_id, subject.source, wanted.name)
    decided = exchange.decide(
        presented.scope,
        requester,
        subject,
        presented.actor,
        way,
        issuer=server.issuer,
        audience=wanted.audience,
        jkt=presented.jkt,
    )
    return Proof(decided, wanted, presented.live.user, presented.live.grant)


def _as_allowed_now(server: AuthServer, subject: Subject, user: User | None) -> Subject:
    """Return the subject with those of its scopes that its source's rules still leave the user.

    A target elsewhere has no rules of ours that could be asked in their place.
    """
    source = server.settings.resource_named(subject.source) if subject.kind == "ours" else None
    if source is None:
        return subject
    held = policy.allowed(source, user, subject.scope)
    if held is None:
        raise OAuthError("access_denied", "The user may not use the target.", detail="policy")
    return replace(subject, scope=held)


def find_requester(server: AuthServer, client: Client) -> Requester:
    """Return what the client may exchange; raises `unauthorized_client` for one that may nothing.

    Only clients of the configuration exchange: who registers itself has nobody's trust.
    """
    requester = server.settings.requesters.get(client.client_id)
    may = exchange_request.GRANT_TYPE in client.grant_types
    if requester is None or not may or client.token_endpoint_auth_method == "none":
        raise OAuthError("unauthorized_client", "The client may not exchange tokens.")
    return requester

"""Who gets what for whose token, every rule in order: RFC 8693 §1.1, §2.2.2, §4."""

from dataclasses import dataclass
from typing import Literal

from authserver.oauth import act, dpop, scope
from authserver.oauth.act import Party
from authserver.oauth.anchor import Anchor, Link
from authserver.oauth.edge import ANYBODY, Edge, Requester, no_target
from authserver.oauth.errors import OAuthError


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject token that was verified: whose it is, for whom it was made, what hangs on it.

    `source` is the name of the resource that is its `aud`, of the issuer whose it is, or
    `upstream`; `client_id` is whom it was issued to, `jkt` the key that it is bound to. `link` is
    its place in the chain: of a token that is not ours there is none.
    """

    kind: Literal["ours", "upstream", "issuer"]
    source: str
    sub: str
    client_id: str | None
    scope: tuple[str, ...]
    expires_at: int
    anchor: Anchor
    auth_time: int | None = None
    via: tuple[Link, ...] = ()
    link: Link | None = None
    actors: tuple[Party, ...] = ()
    may_act: object = None
    jkt: str | None = None

    @property
    def issued_to(self) -> tuple[str, ...]:
        """Return the names of whom it was issued to: an id is one of ours only in ours."""
        if self.kind == "ours":
            return (self.client_id or "",)
        return (f"{self.source}:{ANYBODY}", f"{self.source}:{self.client_id or ''}")


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was decided: the most that a token for the target may say and do.

    `jkt` is the key that it is bound to, the requester's own.
    """

    subject: Subject
    target: str
    worth: tuple[str, ...]
    requested: tuple[str, ...]
    actors: tuple[Party, ...]
    via: tuple[Link, ...]
    jkt: str | None = None

    @property
    def scope(self) -> tuple[str, ...]:
        """Return what was asked for, all that may be had where nothing was."""
        return self.requested or self.worth

    def permitted(self, allowed: tuple[str, ...] | None) -> tuple[str, ...]:
        """Return the scope where the user's policy allows these of it; None is nothing at all.

        Raises `access_denied`, or `invalid_scope` where what was asked for by name is not allowed.
        """
        if allowed is None:
            raise OAuthError("access_denied", "The user may not use the target.", detail="policy")
        if not set(self.requested) <= set(allowed):
            raise too_wide("scope_of_policy")
        return allowed


def decide(
    requested: tuple[str, ...],
    requester: Requester,
    subject: Subject,
    actor: Party | None,
    edge: Edge,
    *,
    issuer: str,
    audience: str | None,
    jkt: str | None = None,
) -> Exchange:
    """Decide what the requester gets for the subject's token at the edge's target.

    `audience` is the target's URL where it is a resource; `issuer` is ours; `jkt` is the key that
    the requester proved to hold. Raises `invalid_request` where policy does not take the tokens
    (RFC 8693 §2.2.2), `invalid_target`, `invalid_scope`, `invalid_dpop_proof`.
    """
    me = Party(issuer, requester.client_id)
    _check_requester(requester, subject)
    _check_may_act(subject.may_act, me, actor)
    _check_actor(subject.may_act, actor, edge)
    _check_target(requester, edge)
    _check_binding(subject, jkt, edge, audience)
    worth = _worth(requester, subject, edge, audience)
    if not set(requested) <= set(worth) or (_gives_scopes(edge) and not worth):
        raise too_wide("scope_of_edge_or_chain")
    return Exchange(
        subject=subject,
        target=edge.target,
        worth=worth,
        requested=requested,
        actors=_actors(subject, me, actor, edge),
        via=_via(subject),
        jkt=jkt,
    )


def too_wide(detail: str) -> OAuthError:
    """Return the refusal of a scope."""
    return OAuthError("invalid_scope", "The scope exceeds what may be had here.", detail=detail)


def _check_requester(requester: Requester, subject: Subject) -> None:
    """A resource's own client exchanges what was made for it; a delegate, whose tokens it names."""
    if requester.resource is not None:
        if subject.kind != "ours" or subject.source != requester.resource:
            raise _bad_subject("token_not_for_requester")
    elif not requester.source_clients & {ANYBODY, *subject.issued_to}:
        raise _bad_subject("source_client_not_named")


def _check_may_act(may_act: object, me: Party, actor: Party | None) -> None:
    if may_act is not None and not any(each and each.is_named_by(may_act) for each in (me, actor)):
        raise _bad_subject("may_act_names_another")


def _check_actor(may_act: object, actor: Party | None, edge: Edge) -> None:
    if actor is None or (may_act is not None and actor.is_named_by(may_act)):
        return
    if not edge.any_actor and actor not in edge.actors:
        raise OAuthError(
            "invalid_request", "The actor token is not acceptable.", detail="actor_not_named"
        )


def _check_target(requester: Requester, edge: Edge) -> None:
    if requester.resource is None and edge.target not in requester.targets:
        raise no_target("target_not_of_requester")


def _check_binding(subject: Subject, jkt: str | None, edge: Edge, audience: str | None) -> None:
    """What is bound stays bound: by the requester's own key, unless the operator lets it go."""
    if subject.jkt is None:
        return
    if jkt is None:
        raise dpop.refused("missing")
    if audience is None and not edge.allow_unbound:
        raise no_target("target_cannot_be_bound")


def _worth(
    requester: Requester, subject: Subject, edge: Edge, audience: str | None
) -> tuple[str, ...]:
    """Return what the subject's scopes are worth at the target, never more than it had there."""
    held = [name for name in subject.scope if name not in scope.STANDARD]
    mapped = [each for name in held for each in edge.scopes.get(name, ())]
    worth = tuple(dict.fromkeys((*mapped, *edge.fixed_scopes)))
    if requester.resource is None:
        worth = scope.keep(worth, requester.scopes)
    for link in (*subject.via, *((subject.link,) if subject.link else ())):
        if link.aud == audience:
            worth = scope.keep(worth, link.scope)
    return worth


def _gives_scopes(edge: Edge) -> bool:
    return bool(edge.scopes or edge.fixed_scopes)


def _actors(subject: Subject, me: Party, actor: Party | None, edge: Edge) -> tuple[Party, ...]:
    """Return who acts, the newest first: the requester, on behalf of an actor of its own."""
    if edge.impersonate:
        return subject.actors
    newest = (me,) if actor is None else (actor, me)
    return (*newest, *subject.actors)


def _via(subject: Subject) -> tuple[Link, ...]:
    via = subject.via if subject.link is None else (*subject.via, subject.link)
    if len(via) > act.MAX_DEPTH:
        raise _bad_subject("chain_too_long")
    return via


def _bad_subject(detail: str) -> OAuthError:
    return _bad("The subject token is not acceptable.", detail)


def _bad(description: str, detail: str = "") -> OAuthError:
    return OAuthError("invalid_request", description, detail=detail)

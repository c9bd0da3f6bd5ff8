"""Which tokens become which others, as `config check` says it"""

from collections.abc import Iterator

from authserver.oauth.edge import ANYBODY, Edge
from authserver.settings.values import Settings


def in_effect(settings: Settings) -> Iterator[tuple[str, str]]:
    """Return each server elsewhere, and each way between source and target."""
    for each in settings.downstream_servers:
        yield f"downstream server {each.name}", f"takes our identity assertions as {each.issuer}"
    for service in settings.external_services:
        yield f"external service {service.name}", f"{service.token_url} ({service.subject})"
    for edge in settings.edges:
        yield (
            f"exchange {edge.name}",
            f"{edge.requester} turns {edge.source} into {edge.target} ({_scopes(edge)})",
        )
    if settings.edges:
        batch = "at /token-batch" if settings.tokens.token_batch else "one by one"
        yield "exchanges for several targets", batch


def loosened(settings: Settings) -> Iterator[str]:
    """Return what lets somebody do more than what is named one by one."""
    for requester in settings.requesters.values():
        if ANYBODY in requester.source_clients:
            yield (
                f"clients.{requester.client_id}.source_clients: it may exchange the tokens of "
                "every client's users"
            )
    for edge in settings.edges:
        if edge.impersonate:
            yield f"exchanges.{edge.name}.impersonate: nobody sees who acts for the user"
        if edge.any_actor:
            yield f"exchanges.{edge.name}.actors: anybody's actor token is accepted"
        if edge.allow_unbound:
            yield f"exchanges.{edge.name}.allow_unbound: for bound tokens it gives unbound ones"


def _scopes(edge: Edge) -> str:
    mapped = (f"{held} -> {' '.join(worth) or 'nothing'}" for held, worth in edge.scopes.items())
    return ", ".join((*mapped, *edge.fixed_scopes)) or "no scope"

"""Who may get which tokens for whose, as `config check` says it"""

from collections.abc import Iterator

from authserver.oauth.client import Client
from authserver.oauth.edge import ANYBODY, UPSTREAM, Edge, Requester
from authserver.oauth.exchange_request import GRANT_TYPE
from authserver.oauth.identity_assertion import GRANT_TYPE as JWT_BEARER
from authserver.settings.upstream import OidcUpstream
from authserver.settings.values import Settings


def in_effect(settings: Settings) -> Iterator[tuple[str, str]]:
    """Return each client of the file, and each way between source and target."""
    for requester in settings.requesters.values():
        client = settings.clients[requester.client_id]
        yield f"client {requester.client_id}", "; ".join(_requester(requester, client))
    for issuer in settings.trusted_issuers:
        audiences = ", ".join(issuer.audiences) or "identity assertions alone"
        yield f"trusted issuer {issuer.name}", f"{issuer.issuer} for {audiences}"
    yield from _assertions(settings)
    for workload in settings.workloads:
        targets = ", ".join(sorted(workload.targets))
        yield f"workload {workload.name}", f"tokens of {workload.issuer} for {targets}"
    for service in settings.external_services:
        yield f"external service {service.name}", f"{service.token_url} ({service.subject})"
    for edge in settings.edges:
        yield (
            f"exchange {edge.name}",
            f"{edge.requester} turns {edge.source} into {edge.target} ({_scopes(edge)})",
        )


def _assertions(settings: Settings) -> Iterator[tuple[str, str]]:
    """Return who may say who users are, and to whom we say it."""
    asserting = [each.name for each in settings.trusted_issuers if each.identity_assertions]
    if isinstance(settings.upstream, OidcUpstream) and settings.upstream.identity_assertions:
        asserting.insert(0, UPSTREAM)
    if asserting:
        yield "identity assertions", f"{', '.join(asserting)} may say who users are"
    for each in settings.downstream_servers:
        yield f"downstream server {each.name}", f"takes our identity assertions as {each.issuer}"


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


def _requester(requester: Requester, client: Client) -> Iterator[str]:
    if requester.resource is not None:
        yield f"the server of {requester.resource}"
        return
    named, targets = requester.source_clients, ", ".join(sorted(requester.targets))
    if "authorization_code" in client.grant_types:
        how = "no secret" if client.token_endpoint_auth_method == "none" else "proves itself"
        yield f"users sign in through it for {targets} ({how})"
    if GRANT_TYPE in client.grant_types:
        whose = "any client" if ANYBODY in named else ", ".join(sorted(named))
        yield f"exchanges tokens of {whose} for {targets}"
    if "client_credentials" in client.grant_types:
        yield f"gets tokens of its own for {targets}"
    if JWT_BEARER in client.grant_types:
        yield f"brings identity assertions for {targets}"


def _scopes(edge: Edge) -> str:
    mapped = (f"{held} -> {' '.join(worth) or 'nothing'}" for held, worth in edge.scopes.items())
    return ", ".join((*mapped, *edge.fixed_scopes)) or "no scope"

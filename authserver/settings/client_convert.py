"""From the tables of clients and exchanges to the values that the server works with"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from authserver.oauth.act import Party
from authserver.oauth.client import AuthMethod, Client
from authserver.oauth.edge import ANYBODY, UPSTREAM, Edge, Requester
from authserver.oauth.exchange_request import GRANT_TYPE
from authserver.settings.tables.client import (
    ClientTable,
    CredentialsTable,
    ResourceClientTable,
)
from authserver.settings.tables.exchange import ExchangeTable
from authserver.settings.tables.file import File


def clients(file: File) -> Mapping[str, Client]:
    """Return every client of the file by its id: those of resources, then the others."""
    found = {
        table.client_id: _client(table.client_id, table, f"{file.resources[key].name} (server)")
        for key, table in _of_resources(file).items()
    }
    found |= {key: _named_client(key, table) for key, table in file.clients.items()}
    return MappingProxyType(found)


def requesters(file: File) -> Mapping[str, Requester]:
    """Return what each client of the file may exchange, by its id."""
    found = {
        table.client_id: Requester(table.client_id, resource=key)
        for key, table in _of_resources(file).items()
    }
    found |= {key: _delegate(key, table) for key, table in file.clients.items()}
    return MappingProxyType(found)


def edges(file: File) -> tuple[Edge, ...]:
    """Return the ways that are open: those of the file, and to what is kept for a resource."""
    own = tuple(
        Edge(
            name=f"resources.{key}.upstream_token",
            requester=table.client_id,
            source=key,
            target=UPSTREAM,
            fixed_scopes=tuple(dict.fromkeys(file.resources[key].upstream_scopes)),
        )
        for key, table in _of_resources(file).items()
        if file.resources[key].upstream_token == "exchange"
    )
    return (*(_edge(key, table, file) for key, table in file.exchanges.items()), *own)


def _of_resources(file: File) -> dict[str, ResourceClientTable]:
    return {key: each.client for key, each in file.resources.items() if each.client is not None}


def _named_client(client_id: str, table: ClientTable) -> Client:
    return replace(
        _client(client_id, table, table.name or client_id),
        redirect_uris=tuple(dict.fromkeys(table.redirect_uris)),
        grant_types=tuple(dict.fromkeys(table.grant_types)),
        response_types=("code",) if table.redirect_uris else (),
        scope=tuple(dict.fromkeys(table.scopes)),
        resources=frozenset(table.targets),
        require_pushed_authorization_requests=table.require_pushed_authorization_requests,
    )


def _client(client_id: str, table: CredentialsTable, name: str) -> Client:
    first, *others = table.client_secrets or (None,)
    has_keys = table.jwks is not None or table.jwks_uri is not None
    usual: AuthMethod = "private_key_jwt" if has_keys else "client_secret_basic"
    return Client(
        client_id=client_id,
        redirect_uris=(),
        client_name=name,
        token_endpoint_auth_method=table.token_endpoint_auth_method or usual,
        grant_types=(GRANT_TYPE,),
        response_types=(),
        secret_digest=first,
        further_secret_digests=tuple(each for each in others if each),
        keys=table.jwks or (),
        jwks_uri=table.jwks_uri,
        token_endpoint_auth_signing_alg=table.token_endpoint_auth_signing_alg,
        dpop_bound_access_tokens=table.dpop_bound_access_tokens,
        preregistered=True,
    )


def _delegate(client_id: str, table: ClientTable) -> Requester:
    return Requester(
        client_id,
        targets=frozenset(table.targets),
        scopes=frozenset(table.scopes),
        source_clients=frozenset(table.source_clients),
    )


def _edge(name: str, table: ExchangeTable, file: File) -> Edge:
    is_map = isinstance(table.scopes, dict)
    return Edge(
        name=name,
        requester=table.requester,
        source=table.source,
        target=table.target,
        scopes=MappingProxyType(table.scopes) if isinstance(table.scopes, dict) else {},
        fixed_scopes=() if is_map else tuple(table.scopes),
        actors=frozenset(_actor(each, file) for each in table.actors if each != ANYBODY),
        any_actor=ANYBODY in table.actors,
        impersonate=table.impersonate,
        allow_unbound=table.allow_unbound,
    )


def _actor(text: str, file: File) -> Party:
    """Return who may act, by their issuer: the same `sub` elsewhere is somebody else."""
    name, _, sub = text.partition(":")
    issuer = file.trusted_issuers.get(name)
    return Party(file.issuer, text) if issuer is None else Party(issuer.issuer, sub)

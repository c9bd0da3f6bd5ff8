"""How clients are read, and what the tables that are read after them may name"""

import re
from collections.abc import Collection, Mapping

from authserver.oauth.edge import ANYBODY, UPSTREAM
from authserver.oauth.exchange_request import GRANT_TYPE
from authserver.settings.origin import Origin
from authserver.settings.problem import wrong
from authserver.settings.read import read_key, read_scope

_CLIENT_ID = re.compile(r"[\x21-\x7e]{1,128}\Z")
_OURS = re.compile(r"(?:mcp|usr|ext)-")  # how the ids begin that we make


def read_client_id(value: object, origin: Origin) -> str:
    """Return the id of a client in this file, which no other client has."""
    if not isinstance(value, str) or not _CLIENT_ID.match(value) or _OURS.match(value):
        raise wrong(
            "is not a client id",
            "write up to 128 printable ASCII characters without spaces; mcp-, usr- and ext- "
            "begin ids that authserver makes",
        )
    if value in origin.client_ids:
        raise wrong("is the id of another client", "give each client an id of its own")
    origin.client_ids.add(value)
    return value


def read_client_name(value: object, origin: Origin) -> str:
    """Return the name of a table that is a client's id as well."""
    return read_client_id(read_key(value, origin), origin)


def read_resource_name(value: object, origin: Origin) -> str:
    """Return the name of a resource; `upstream` means another target."""
    if value == UPSTREAM:
        raise wrong("is a name that is taken", f"`{UPSTREAM}` names the identity provider")
    return read_key(value, origin)


def note_resources(tables: Mapping[object, object], origin: Origin) -> None:
    """Note what other tables may name of the resources, before they are read themselves."""
    for key, table in tables.items():
        if not isinstance(key, str) or not isinstance(table, Mapping):
            continue
        origin.sources.add(key)
        origin.resource_scopes[key] = _texts(table.get("scopes"))
        origin.scopes.update(origin.resource_scopes[key])
        if table.get("upstream_token") == "exchange":
            origin.upstream_scopes[key] = _texts(table.get("upstream_scopes"))
        client = table.get("client")
        if isinstance(client, Mapping):
            origin.owners.setdefault(str(client.get("client_id", key)), key)


def note_issuers(tables: Mapping[object, object], origin: Origin) -> None:
    """Note which trusted issuers there are, and of which only identity assertions are taken."""
    for key, table in tables.items():
        if isinstance(key, str):
            origin.sources.add(key)
            origin.issuers.add(key)
            if not isinstance(table, Mapping) or table.get("audiences"):
                continue
            if table.get("identity_assertions"):
                origin.asserting_only.add(key)


def note_services(tables: Mapping[object, object], origin: Origin) -> None:
    """Note which services are targets, and which of them are brought upstream tokens."""
    for key, table in tables.items():
        if isinstance(key, str) and isinstance(table, Mapping):
            origin.service_scopes[key] = _texts(table.get("scopes"))
            if table.get("subject") != "minted" and key not in origin.resource_scopes:
                origin.upstream_services.add(key)


def note_downstream_servers(tables: Mapping[object, object], origin: Origin) -> None:
    """Note which servers elsewhere are targets, whose scopes are like those of a service."""
    origin.external_services.update(origin.service_scopes)
    for key, table in tables.items():
        if isinstance(key, str) and isinstance(table, Mapping):
            origin.service_scopes.setdefault(key, _texts(table.get("scopes")))
            known = table.get("client_ids")
            ids = known if isinstance(known, Mapping) else {}
            origin.downstream_clients[key] = frozenset(map(str, ids))


def note_clients(tables: Mapping[object, object], origin: Origin) -> None:
    """Note which clients exchanges may name, and what those that are delegates are narrowed to."""
    origin.requesters.update(origin.owners)
    for key, table in tables.items():
        if not isinstance(key, str) or not isinstance(table, Mapping):
            continue
        if GRANT_TYPE in _texts(table.get("grant_types")):
            origin.requesters.add(key)
            origin.delegate_targets[key] = _texts(table.get("targets"))
            origin.delegate_scopes[key] = _texts(table.get("scopes"))
            origin.delegate_sources[key] = _texts(table.get("source_clients"))


def _texts(value: object) -> frozenset[str]:
    listed = value if isinstance(value, list | Mapping) else ()
    return frozenset(each for each in listed if isinstance(each, str))


def read_target(value: object, origin: Origin) -> str:
    """Return the name of what tokens are wanted for."""
    targets = {*origin.resource_scopes, *origin.service_scopes, UPSTREAM}
    if not isinstance(value, str) or value not in targets:
        raise wrong("is not a target", known("targets", targets))
    return value


def read_target_scope(value: object, origin: Origin) -> str:
    """Return a scope that some target has."""
    name = read_scope(value, origin)
    scopes = (*origin.resource_scopes.values(), *origin.service_scopes.values())
    if not any(name in each for each in (*scopes, *origin.upstream_scopes.values())):
        raise wrong("is a scope that no target has", "name a scope of a resource or service")
    return name


def check_made_for_us(issuer: str, origin: Origin) -> None:
    """Refuse a trusted issuer whose tokens, but for identity assertions, are for nobody here."""
    if issuer in origin.asserting_only:
        raise wrong(
            "is trusted for its identity assertions only",
            f"say whom its tokens are for: trusted_issuers.{issuer}.audiences",
        )


def read_source_client(value: object, origin: Origin) -> str:
    """Return the id of a client, `NAME:id` or `NAME:*` of a source that has its own, or `*`."""
    if not isinstance(value, str) or not re.match(r"[\x21-\x7e]{1,2048}\Z", value):
        raise wrong("is not a client id", f'write a client id, or "{ANYBODY}" for any')
    name, _, client_id = value.rpartition(":")
    sources = {*origin.issuers, UPSTREAM}
    if client_id == ANYBODY and name and name not in sources:
        raise wrong("are the clients of no source", known("sources", sources))
    return value


def known(what: str, names: Collection[str]) -> str:
    """Return the names that may stand somewhere, as a remedy lists them."""
    return f"{what}: {listed(names)}" if names else f"there are no {what} here"


def listed(names: Collection[str]) -> str:
    """Return names in order, for people."""
    return ", ".join(sorted(names)) or "none"

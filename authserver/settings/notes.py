"""What is noted of tables before they are read, for others that name them or depend on them"""

from collections.abc import Callable, Mapping

from authserver.oauth.client_metadata import DEVICE_CODE
from authserver.oauth.exchange_request import GRANT_TYPE
from authserver.oauth.identity_assertion import GRANT_TYPE as JWT_BEARER
from authserver.settings.origin import Origin


def take(document: Mapping[str, object], origin: Origin) -> None:
    """Note all that one table may have to know of another, whichever is read first."""
    for name, note in _NOTES.items():
        tables = document.get(name)
        note(tables if isinstance(tables, Mapping) else {}, origin)


def _resources(tables: Mapping[object, object], origin: Origin) -> None:
    """Note what other tables may name of the resources, before they are read themselves."""
    for key, table in tables.items():
        if not isinstance(key, str) or not isinstance(table, Mapping):
            continue
        origin.sources.add(key)
        origin.resource_scopes[key] = _texts(table.get("scopes"))
        origin.scopes.update(origin.resource_scopes[key])
        if table.get("upstream_token") == "exchange":
            origin.upstream_scopes[key] = _texts(table.get("upstream_scopes"))
        if table.get("dpop_bound_access_tokens_required"):
            origin.needs_dpop.add(f"resources.{key}.dpop_bound_access_tokens_required")
        client = table.get("client")
        if isinstance(client, Mapping):
            origin.owners.setdefault(str(client.get("client_id", key)), key)
            _bound(f"resources.{key}.client", client, origin)


def _issuers(tables: Mapping[object, object], origin: Origin) -> None:
    """Note which trusted issuers there are, and of which only identity assertions are taken."""
    for key, table in tables.items():
        if isinstance(key, str):
            origin.sources.add(key)
            origin.issuers.add(key)
            if isinstance(table, Mapping) and table.get("identity_assertions"):
                origin.asserting.add(f"trusted_issuers.{key}.identity_assertions")
                if not table.get("audiences"):
                    origin.asserting_only.add(key)


def _services(tables: Mapping[object, object], origin: Origin) -> None:
    """Note which services are targets, and which of them are brought upstream tokens."""
    for key, table in tables.items():
        if isinstance(key, str) and isinstance(table, Mapping):
            origin.service_scopes[key] = _texts(table.get("scopes"))
            if table.get("subject") != "minted" and key not in origin.resource_scopes:
                origin.upstream_services.add(key)


def _downstream_servers(tables: Mapping[object, object], origin: Origin) -> None:
    """Note which servers elsewhere are targets, whose scopes are like those of a service."""
    origin.external_services.update(origin.service_scopes)
    for key, table in tables.items():
        if isinstance(key, str) and isinstance(table, Mapping):
            origin.service_scopes.setdefault(key, _texts(table.get("scopes")))
            known = table.get("client_ids")
            ids = known if isinstance(known, Mapping) else {}
            origin.downstream_clients[key] = frozenset(map(str, ids))


def _clients(tables: Mapping[object, object], origin: Origin) -> None:
    """Note which clients exchanges may name, and what those that are delegates are narrowed to."""
    origin.requesters.update(origin.owners)
    origin.ids.update(origin.owners, map(str, tables))
    for key, table in tables.items():
        if not isinstance(key, str) or not isinstance(table, Mapping):
            continue
        _bound(f"clients.{key}", table, origin)
        if table.get("require_pushed_authorization_requests") is True:
            origin.needs_pushing.add(f"clients.{key}.require_pushed_authorization_requests")
        grant_types = _texts(table.get("grant_types"))
        if DEVICE_CODE in grant_types:
            origin.needs_devices.add(f"[clients.{key}]")
        if JWT_BEARER in grant_types:
            origin.bringing.add(key)
        if GRANT_TYPE in grant_types:
            origin.requesters.add(key)
            origin.delegate_targets[key] = _texts(table.get("targets"))
            origin.delegate_scopes[key] = _texts(table.get("scopes"))
            origin.delegate_sources[key] = _texts(table.get("source_clients"))


def _exchanges(tables: Mapping[object, object], origin: Origin) -> None:
    """Note which exchanges there are, right or wrong."""
    origin.exchanges.update(map(str, tables))


def has_exchanges(origin: Origin) -> bool:
    """Say whether any way is open: one of the file, or to what is kept for a resource's client."""
    return bool(origin.exchanges or set(origin.owners.values()) & origin.upstream_scopes.keys())


def _bound(name: str, table: Mapping[object, object], origin: Origin) -> None:
    if table.get("dpop_bound_access_tokens") is True:
        origin.needs_dpop.add(f"{name}.dpop_bound_access_tokens")


def _texts(value: object) -> frozenset[str]:
    listed = value if isinstance(value, list | Mapping) else ()
    return frozenset(each for each in listed if isinstance(each, str))


# In this order: what comes later looks at what was noted before.
_NOTES: Mapping[str, Callable[[Mapping[object, object], Origin], None]] = {
    "resources": _resources,
    "trusted_issuers": _issuers,
    "external_services": _services,
    "downstream_servers": _downstream_servers,
    "clients": _clients,
    "exchanges": _exchanges,
}

"""How clients, and the ways between resources, are read: what one table names stands in another"""

import re
from collections.abc import Mapping

from authserver.oauth.edge import ANYBODY, UPSTREAM
from authserver.settings.origin import Origin
from authserver.settings.problem import wrong
from authserver.settings.read import read_key, read_scope, read_text

_CLIENT_ID = re.compile(r"[\x21-\x7e]{1,128}\Z")
_OURS = re.compile(r"(?:mcp|usr|ext)-")  # how the ids begin that we make
_SUBJECT = re.compile(r"(?:usr|ext)-[A-Za-z0-9_-]+\Z")


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
        origin.resource_scopes[key] = _texts(table.get("scopes"))
        origin.scopes.update(origin.resource_scopes[key])
        if table.get("upstream_token") == "exchange":
            origin.upstream_scopes[key] = _texts(table.get("upstream_scopes"))
        client = table.get("client")
        if isinstance(client, Mapping):
            origin.owners.setdefault(str(client.get("client_id", key)), key)


def note_services(tables: Mapping[object, object], origin: Origin) -> None:
    """Note which services are targets, and which of them are brought upstream tokens."""
    for key, table in tables.items():
        if isinstance(key, str) and isinstance(table, Mapping):
            origin.service_scopes[key] = _texts(table.get("scopes"))
            if table.get("subject") != "minted" and key not in origin.resource_scopes:
                origin.upstream_services.add(key)


def note_clients(tables: Mapping[object, object], origin: Origin) -> None:
    """Note which clients exchanges may name."""
    origin.requesters.update(origin.owners, (each for each in tables if isinstance(each, str)))


def _texts(value: object) -> frozenset[str]:
    listed = value if isinstance(value, list | Mapping) else ()
    return frozenset(each for each in listed if isinstance(each, str))


def read_requester(value: object, origin: Origin) -> str:
    """Return the id of a client that may exchange."""
    if not isinstance(value, str) or value not in origin.requesters:
        raise wrong("is not a client of this file", _known("client ids", origin.requesters))
    return value


def read_source(value: object, origin: Origin) -> str:
    """Return the name of whose tokens are exchanged."""
    known = {*origin.resource_scopes, *origin.issuers, UPSTREAM}
    if not isinstance(value, str) or value not in known:
        raise wrong("is not a source", _known("sources", known))
    return value


def read_target(value: object, origin: Origin) -> str:
    """Return the name of what tokens are wanted for."""
    known = {*origin.resource_scopes, *origin.service_scopes, UPSTREAM}
    if not isinstance(value, str) or value not in known:
        raise wrong("is not a target", _known("targets", known))
    return value


def read_target_scope(value: object, origin: Origin) -> str:
    """Return a scope that some target has."""
    name = read_scope(value, origin)
    scopes = (*origin.resource_scopes.values(), *origin.service_scopes.values())
    if not any(name in each for each in (*scopes, *origin.upstream_scopes.values())):
        raise wrong("is a scope that no target has", "name a scope of a resource or service")
    return name


def read_source_client(value: object, _origin: Origin) -> str:
    """Return the id of a client, or `*`."""
    if not isinstance(value, str) or not re.match(r"[\x21-\x7e]{1,2048}\Z", value):
        raise wrong("is not a client id", f'write a client id, or "{ANYBODY}" for any')
    return value


def read_actor(value: object, origin: Origin) -> str:
    """Return who may act: a subject of ours, `NAME:sub` of a trusted issuer's, or `*`."""
    if value == ANYBODY:
        return ANYBODY
    text = read_text(value, origin)
    name, _, sub = text.partition(":")
    if not (_SUBJECT.match(text) or (name in origin.issuers and sub)):
        raise wrong(
            "is nobody who could act",
            f'write a sub of ours (usr-…), NAME:sub of a trusted issuer, or "{ANYBODY}" for any; '
            + _known("trusted issuers", origin.issuers),
        )
    return text


def read_scope_map(value: object, origin: Origin) -> dict[str, tuple[str, ...]] | tuple[str, ...]:
    """Return a table of lists of scopes, or one list."""
    if isinstance(value, list):
        return tuple(dict.fromkeys(read_scope(each, origin) for each in value))
    if not isinstance(value, Mapping) or not all(isinstance(each, list) for each in value.values()):
        raise wrong(
            "is neither a table nor a list",
            'write { "source:scope" = ["target:scope"] }, or ["target:scope"]',
        )
    return {
        read_scope(name, origin): tuple(dict.fromkeys(read_scope(each, origin) for each in worth))
        for name, worth in value.items()
    }


def check_scopes(
    value: dict[str, tuple[str, ...]] | tuple[str, ...],
    written: Mapping[str, object],
    origin: Origin,
) -> None:
    """Check that the scopes on both sides of an exchange are those of its source and target."""
    if not {"source", "target"} <= written.keys():
        return  # one of them is the mistake
    source, target = str(written["source"]), str(written["target"])
    known = origin.resource_scopes.get(source)
    if isinstance(value, dict):
        worth = {each for listed in value.values() for each in listed}
        if known is not None and not set(value) <= known:
            raise wrong(f"names scopes that {source} has not", _known("its scopes", known))
    elif known is not None and target != UPSTREAM:
        raise wrong("is a list", f'say what each scope of {source} is worth: {{ "…" = ["…"] }}')
    else:
        worth = set(value)
    if target == UPSTREAM:
        _check_upstream(source, worth, origin)
        return
    has = origin.resource_scopes.get(target, origin.service_scopes.get(target, frozenset()))
    if not worth <= has:
        raise wrong(f"names scopes that {target} has not", _known("its scopes", has))
    if target in origin.upstream_services:
        _check_kept(source, origin)


def _check_kept(source: str, origin: Origin) -> None:
    if source not in origin.upstream_scopes:
        raise wrong(
            f"needs the upstream's tokens of users of {source}, which are not kept",
            f'write upstream_token = "exchange" in [resources.{source}]',
        )


def _check_upstream(source: str, worth: set[str], origin: Origin) -> None:
    _check_kept(source, origin)
    kept = origin.upstream_scopes[source]
    if worth != kept:
        raise wrong(
            "is not what the upstream's tokens are good for, and they cannot be narrowed",
            f"write the upstream_scopes of {source}: {_listed(kept)}",
        )


def _known(what: str, names: set[str] | frozenset[str]) -> str:
    return f"{what}: {_listed(names)}" if names else f"there are no {what} here"


def _listed(names: set[str] | frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "none"

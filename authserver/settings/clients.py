"""How clients are read, and what they and other tables may name"""

import re
from collections.abc import Collection

from pydantic_core import PydanticCustomError

from authserver.oauth.edge import ANYBODY, UPSTREAM
from authserver.oauth.exchange_request import GRANT_TYPE
from authserver.settings.origin import Origin
from authserver.settings.problem import wrong
from authserver.settings.read import read_key, read_scope

_CLIENT_ID = re.compile(r"[\x21-\x7e]{1,128}\Z")
_FEW = 20  # as many names as a remedy lists
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


def unknown_requester(value: object, origin: Origin) -> PydanticCustomError:
    """Return the mistake of naming who cannot exchange, with how they could."""
    ids = known("clients that exchange", origin.requesters)
    if isinstance(value, str) and value in origin.resource_scopes:
        own = next((each for each, key in origin.owners.items() if key == value), None)
        if own is not None:
            return wrong("is a resource, and not the client id of one", f"write {own}")
        return wrong(
            "is a resource without a client of its own",
            f"write [resources.{value}.client] with client_secrets or jwks; {ids}",
        )
    if isinstance(value, str) and value in origin.ids:
        return wrong("is a client that exchanges nothing", f"add {GRANT_TYPE} to its grant_types")
    return wrong(
        "is not a client of this file",
        f"write [clients.NAME], or [resources.NAME.client] for the server of a resource; {ids}",
    )


def read_target(value: object, origin: Origin) -> str:
    """Return the name of what tokens are wanted for."""
    targets = {*origin.resource_scopes, *origin.service_scopes, UPSTREAM}
    if not isinstance(value, str) or value not in targets:
        raise wrong("is not a target", known("targets", targets))
    return value


def check_reach(targets: list[str], grant_types: Collection[str], origin: Origin) -> None:
    """Refuse targets that are no MCP servers to a client that exchanges nothing."""
    beyond = set(targets) - set(origin.resource_scopes)
    if beyond and GRANT_TYPE not in grant_types:
        raise wrong(
            f"names what only an exchange has tokens for: {listed(beyond)}",
            f"name resources, or add {GRANT_TYPE} to grant_types",
        )


def read_target_scope(value: object, origin: Origin) -> str:
    """Return a scope that some target has."""
    name = read_scope(value, origin)
    scopes = (*origin.resource_scopes.values(), *origin.service_scopes.values())
    if not any(name in each for each in (*scopes, *origin.upstream_scopes.values())):
        all_of_them = {each for names in scopes for each in names}
        few = f": {listed(all_of_them)}" if len(all_of_them) <= _FEW else ""
        raise wrong("is a scope that no target has", f"name a scope of a resource or service{few}")
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
    if value in origin.resource_scopes and value not in origin.ids:
        raise wrong(
            "is a resource, and not the client of its users",
            f'write the ids of the clients, or "{ANYBODY}" for any',
        )
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

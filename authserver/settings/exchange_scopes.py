"""What scopes are worth on the way from a source to a target, as `[exchanges.NAME]` says it"""

from collections.abc import Mapping

from authserver.oauth.edge import UPSTREAM
from authserver.settings import clients
from authserver.settings.origin import Origin
from authserver.settings.problem import wrong
from authserver.settings.read import read_scope


def read(value: object, origin: Origin) -> dict[str, tuple[str, ...]] | tuple[str, ...]:
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


def check(
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
            raise wrong(
                f"names scopes that {source} has not", clients.known(f"scopes of {source}", known)
            )
    elif known is not None and target != UPSTREAM:
        raise wrong("is a list", f'say what each scope of {source} is worth: {{ "…" = ["…"] }}')
    else:
        worth = set(value)
    if target == UPSTREAM:
        _check_upstream(source, worth, origin)
    else:
        _check_target(source, target, worth, origin)
    _check_delegate(str(written.get("requester")), target, worth, origin)


def _check_target(source: str, target: str, worth: set[str], origin: Origin) -> None:
    has = origin.resource_scopes.get(target, origin.service_scopes.get(target, frozenset()))
    if not worth <= has:
        raise wrong(
            f"names scopes that {target} has not", f"scopes of {target}: {clients.listed(has)}"
        )
    if target in origin.downstream_clients and not worth:
        raise wrong(
            "is worth nothing there",
            f"write what it is to allow; scopes of {target}: {clients.listed(has)}",
        )
    if target in origin.upstream_services:
        _check_kept(source, origin)


def _check_delegate(requester: str, target: str, worth: set[str], origin: Origin) -> None:
    """Check that something is left of a way where its requester is narrowed to other scopes."""
    may_have = worth & origin.delegate_scopes.get(requester, worth)
    if may_have != worth if target == UPSTREAM else (worth and not may_have):
        raise wrong(
            "is worth nothing to the requester",
            f"add to clients.{requester}.scopes what it is to get: {clients.listed(worth)}",
        )


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
            f"write the upstream_scopes of {source}: {clients.listed(kept)}",
        )

"""`[exchanges.NAME]`, as a pydantic model: who may turn whose tokens into what: RFC 8693 §2"""

import re
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from authserver.oauth.edge import ANYBODY, UPSTREAM
from authserver.settings import clients, exchange_scopes
from authserver.settings.origin import Origin, Read
from authserver.settings.problem import wrong
from authserver.settings.read import read_text
from authserver.settings.tables.client import TargetName
from authserver.settings.tables.table import Table

_SUBJECT = re.compile(r"(?:usr|ext)-[A-Za-z0-9_-]+\Z")


def read_requester(value: object, origin: Origin) -> str:
    """Return the id of a client that exchanges."""
    if not isinstance(value, str) or value not in origin.requesters:
        raise clients.unknown_requester(value, origin)
    return value


def read_source(value: object, origin: Origin) -> str:
    """Return the name of whose tokens are exchanged."""
    if value == UPSTREAM and UPSTREAM not in origin.sources:
        raise wrong(
            "is a source only where it is an OpenID provider",
            "exchange the tokens of a resource: nobody can verify those of this provider",
        )
    if not isinstance(value, str) or value not in origin.sources:
        raise wrong("is not a source", clients.known("sources", origin.sources))
    clients.check_made_for_us(value, origin)
    return value


def read_actor(value: object, origin: Origin) -> str:
    """Return who may act: a subject of ours, `NAME:sub` of a trusted issuer's, or `*`."""
    if value == ANYBODY:
        return ANYBODY
    text = read_text(value, origin)
    name, _, sub = text.partition(":")
    clients.check_made_for_us(name, origin)
    if not (_SUBJECT.match(text) or (name in origin.issuers and sub)):
        raise wrong(
            "is nobody who could act",
            f'write a sub of ours (usr-…), NAME:sub of a trusted issuer, or "{ANYBODY}" for any; '
            + clients.known("trusted issuers", origin.issuers),
        )
    return text


Actor = Annotated[str, Read("subject", read_actor)]


class ExchangeTable(Table):
    """`[exchanges.NAME]`: one way from a token of a source to a token for a target.

    Without such a table nothing is exchanged, but for the upstream tokens of a resource that has
    `upstream_token = "exchange"` and a client of its own.
    """

    requester: Annotated[str, Read("client id", read_requester)] = Field(
        description="Who may ask: the id of a client in this file.", examples=['"issues"']
    )
    source: Annotated[str, Read("name of a source", read_source)] = Field(
        description="Whose tokens: the name of a resource or trusted issuer, or `upstream`.",
        examples=['"issues"'],
    )
    target: TargetName = Field(
        description="What for: the name of a resource, external service or downstream server, or "
        "`upstream`.",
        examples=['"wiki"'],
    )
    scopes: Annotated[
        dict[str, tuple[str, ...]] | tuple[str, ...],
        Read("table of: list of scopes, or list of scopes", exchange_scopes.read),
    ] = Field(
        description="What each scope of the source is worth at the target. A list is worth it "
        "whatever the token says: for sources that are no resource, and for `upstream`.",
        examples=['{ "issues:read" = ["wiki:read"] }'],
    )
    actors: list[Actor] = Field(
        [],
        description="Whose actor tokens are accepted where no `may_act` names them: our `sub`, or "
        "the name of a trusted issuer, a colon and its `sub`; `*` is anybody.",
        examples=['["cluster:system:serviceaccount:prod:agent"]'],
    )
    impersonate: bool = Field(
        default=False,
        description="Whether its tokens leave out who acts for the user (`act`).",
    )

    allow_unbound: bool = Field(
        default=False,
        description="Whether a token that is bound to a key may be exchanged for one of a target "
        "elsewhere, which is not.",
    )

    @field_validator("source")
    @classmethod
    def _made_for_requester(cls, value: str, info: ValidationInfo) -> str:
        origin, requester = info.context, info.data.get("requester")
        if isinstance(origin, Origin) and origin.owners.get(requester or "", value) != value:
            raise wrong(
                "is not the resource of the requester",
                "a resource's own client exchanges tokens for that resource; name a delegate",
            )
        return value

    @field_validator("source")
    @classmethod
    def _of_clients_that_it_names(cls, value: str, info: ValidationInfo) -> str:
        origin, requester = info.context, info.data.get("requester")
        if not isinstance(origin, Origin) or value in origin.resource_scopes:
            return value
        named = origin.delegate_sources.get(requester or "")
        if named and not any(each.startswith((f"{value}:", ANYBODY)) for each in named):
            raise wrong(
                "is no source of the requester",
                f'add "{value}:*", or the clients meant, to clients.{requester}.source_clients',
            )
        return value

    @field_validator("target")
    @classmethod
    def _one_way_that_its_requester_may_go(cls, value: str, info: ValidationInfo) -> str:
        origin, requester = info.context, info.data.get("requester")
        if not isinstance(origin, Origin) or requester is None or "source" not in info.data:
            return value  # one of them is the mistake
        if value not in (origin.delegate_targets.get(requester) or {value}):
            raise wrong("is no target of the requester", f"add it to clients.{requester}.targets")
        if requester not in origin.downstream_clients.get(value, {requester}):
            raise wrong(
                "does not know the requester",
                f"say its client id there in downstream_servers.{value}.client_ids",
            )
        way = (requester, info.data["source"], value)
        if way in origin.ways:
            raise wrong("is where another table leads", "write one table with all of its scopes")
        origin.ways.add(way)
        return value

    @field_validator("allow_unbound")
    @classmethod
    def _for_what_cannot_be_bound(cls, value: bool, info: ValidationInfo) -> bool:  # noqa: FBT001
        target, origin = info.data.get("target"), info.context
        is_bound = isinstance(origin, Origin) and (
            target in origin.resource_scopes or target in origin.downstream_clients
        )
        if value and is_bound:
            raise wrong(
                f"is of no use: what is for {target} is bound to the requester's key",
                f"leave it out: it is for {UPSTREAM} and external services alone",
            )
        return value

    @field_validator("scopes")
    @classmethod
    def _fits_source_and_target(
        cls, value: dict[str, tuple[str, ...]] | tuple[str, ...], info: ValidationInfo
    ) -> dict[str, tuple[str, ...]] | tuple[str, ...]:
        if isinstance(info.context, Origin):
            exchange_scopes.check(value, info.data, info.context)
        return value

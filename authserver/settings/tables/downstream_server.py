"""`[downstream_servers.NAME]`, as a pydantic model: who takes our identity assertions"""

from types import MappingProxyType
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from authserver.oauth.downstream_server import DownstreamServer
from authserver.settings import clients
from authserver.settings.origin import Origin, Read
from authserver.settings.problem import wrong
from authserver.settings.tables.allow import TokenClaim
from authserver.settings.tables.external_service import read_service_name
from authserver.settings.tables.table import Endpoint, Scope, Table, Text


def read_server_name(value: object, origin: Origin) -> str:
    """Return the name of a server, which is none of another target."""
    name = read_service_name(value, origin)
    if name in origin.external_services:
        raise wrong("is the name of another target", "give the server a name of its own")
    return name


def read_requester(value: object, origin: Origin) -> str:
    """Return the id of a client that exchanges."""
    if not isinstance(value, str) or value not in origin.requesters:
        raise clients.unknown_requester(value, origin)
    return value


ServerName = Annotated[str, Read("name", read_server_name)]
Requester = Annotated[str, Read("client id", read_requester)]


class DownstreamServerTable(Table):
    """`[downstream_servers.NAME]`: an authorization server that trusts us to say who users are.

    NAME is a target of exchanges. What a client gets there is an identity assertion (ID-JAG) of
    ours, with which it asks that server for a token.
    """

    issuer: Endpoint = Field(
        description="Its issuer, to the letter: the `aud` of the assertions.",
        examples=['"https://auth.partner.example"'],
    )
    client_ids: dict[Requester, Text] = Field(
        min_length=1,
        max_length=100,
        description="By what client id it knows each of our clients that may ask.",
        examples=['{ issues = "issues-at-partner" }'],
    )
    resources: list[Endpoint] = Field(
        min_length=1,
        max_length=20,
        description="The URLs of its MCP servers that may be asked for.",
        examples=['["https://mcp.partner.example/mcp"]'],
    )
    scopes: list[Scope] = Field(
        max_length=50,
        description="The most that may be asked for there; each exchange says what it is worth.",
        examples=['["partner:read"]'],
    )
    claims: list[TokenClaim] = Field(
        [],
        max_length=20,
        description="Claims of the user that the assertions carry beside `sub`.",
        examples=['["email"]'],
    )

    @field_validator("issuer")
    @classmethod
    def _is_another(cls, value: str, info: ValidationInfo) -> str:
        if not isinstance(info.context, Origin):
            return value
        spelled = value.rstrip("/")
        if spelled in info.context.own_issuers:
            raise wrong("is this server itself", "exchange tokens for its resources")
        if spelled in info.context.downstream_issuers:
            raise wrong("is the issuer of another server here", "list all resources in one table")
        info.context.downstream_issuers.add(spelled)
        return value


def to_downstream_server(name: str, table: DownstreamServerTable) -> DownstreamServer:
    """Return the server that a valid table means."""
    return DownstreamServer(
        name=name,
        issuer=table.issuer,
        client_ids=MappingProxyType(dict(table.client_ids)),
        resources=tuple(dict.fromkeys(table.resources)),
        scopes=frozenset(table.scopes),
        claims=tuple(dict.fromkeys(table.claims)),
    )

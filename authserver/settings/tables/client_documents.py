"""`[client_documents]`: clients whose client_id is the URL of their metadata"""

import re
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from authserver.oauth.client_document import Publishers
from authserver.oauth.identity_assertion import GRANT_TYPE as JWT_BEARER
from authserver.settings import clients, read
from authserver.settings.origin import Origin, Read
from authserver.settings.problem import wrong
from authserver.settings.tables.table import CaFile, Table, absent

_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z][a-z0-9-]{0,61}[a-z0-9]\Z")
_PUBLISHERS = Publishers()


def read_domain(value: object, origin: Origin) -> str:
    """Return the name of a domain in lower case, without a dot at either end."""
    text = read.read_text(value, origin)
    if not _DOMAIN.match(text):
        raise wrong(
            "is no domain in lower case",
            'write it like "example.com", without *: what is below it counts too',
        )
    return text


def read_private_host(value: object, origin: Origin) -> str:
    """Return `host`, or `host:port` for a port other than 443."""
    text = read.read_text(value, origin)
    host, _, port = text.partition(":")
    is_port = port.isascii() and port.isdecimal() and 0 < int(port) < 65536 and port != "443"
    if "." not in host or not _DOMAIN.match(host) or (":" in text and not is_port):
        raise wrong(
            "is no host by name", 'write it like "clients.corp.example" or "host.example:8443"'
        )
    return text


Domain = Annotated[str, Read("domain", read_domain)]
PrivateHost = Annotated[str, Read("host", read_private_host)]


class ClientDocumentsTable(Table):
    """`[client_documents]`: clients that publish who they are at their client_id."""

    enabled: bool = Field(
        default=_PUBLISHERS.enabled,
        description="Whether a client_id may be the https URL of the client's metadata.",
    )
    allowed_domains: list[Domain] = Field(
        [],
        max_length=200,
        description="Where written, only these domains, and what is below them, may publish "
        "clients, or the keys of those that register (`jwks_uri`).",
        examples=['["claude.ai", "vscode.dev"]'],
    )
    denied_domains: list[Domain] = Field(
        [],
        max_length=200,
        description="Domains that may not, with what is below them.",
        examples=['["example.net"]'],
    )
    private_hosts: list[PrivateHost] = Field(
        [],
        max_length=50,
        description="Hosts, with a port other than 443 if need be, that may lie in a private "
        "network; all others must be public.",
        examples=['["clients.corp.example"]'],
    )
    ca_file: CaFile | None = absent(
        "The authorities to trust, in PEM, in place of the public ones of the `certifi` package.",
        '"clients-ca.pem"',
    )

    @field_validator("enabled")
    @classmethod
    def _somebody_brings_assertions(cls, value: bool, info: ValidationInfo) -> bool:  # noqa: FBT001
        origin = info.context
        if value or not isinstance(origin, Origin) or not origin.asserting or origin.bringing:
            return value
        raise wrong(
            f"is off, so that nobody could bring what {clients.listed(origin.asserting)} takes",
            f"leave it out, or write [clients.NAME] with {JWT_BEARER} among its grant_types",
        )

    @field_validator("denied_domains")
    @classmethod
    def _leaves_what_is_allowed(cls, value: list[str], info: ValidationInfo) -> list[str]:
        allowed = info.data.get("allowed_domains", ())
        lost = {each for each in allowed for no in value if f".{each}".endswith(f".{no}")}
        if lost:
            raise wrong(
                f"denies what allowed_domains allows: {clients.listed(lost)}",
                "leave it out here or there",
            )
        return value


def to_publishers(table: ClientDocumentsTable) -> Publishers:
    """Return who may publish clients."""
    return Publishers(
        enabled=table.enabled,
        allowed=tuple(table.allowed_domains),
        denied=tuple(table.denied_domains),
        private_hosts=frozenset(table.private_hosts),
    )

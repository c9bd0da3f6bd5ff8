"""`[trusted_issuers.NAME]`, as a pydantic model: RFC 8693 §2.1"""

import re
from types import MappingProxyType
from typing import Annotated, Self
from urllib.parse import urlsplit

from joserfc.jwk import Key
from pydantic import Field, ValidationInfo, field_validator, model_validator

from authserver.oauth.edge import UPSTREAM
from authserver.settings import client_jwks, read
from authserver.settings.origin import Origin, Read
from authserver.settings.problem import wrong
from authserver.settings.tables.table import CaFile, Endpoint, Table, Text, absent
from authserver.settings.trusted_issuer import TrustedAlgorithm, TrustedIssuer

_USER = re.compile(r"usr-[A-Za-z0-9_-]+\Z")


def read_issuer_name(value: object, origin: Origin) -> str:
    """Return the name of an issuer, which is none of another source."""
    name = read.read_key(value, origin)
    if name == UPSTREAM or name in origin.resource_scopes:
        raise wrong("is the name of another source", "give the issuer a name of its own")
    return name


def read_issuer(value: object, origin: Origin) -> str:
    """Return an issuer as its tokens spell it: no other trusted one, not ours, not the upstream."""
    issuer = read.read_text(value, origin)
    # Two that differ by a slash are one issuer, whose subjects would be two people each.
    if issuer.rstrip("/") in {each.rstrip("/") for each in origin.known_issuers}:
        raise wrong("is an issuer that this file names already", "name each issuer once")
    origin.known_issuers.add(issuer)
    return issuer


def read_user(value: object, _origin: Origin) -> str:
    """Return the `sub` of a user of ours."""
    if not isinstance(value, str) or not _USER.match(value):
        raise wrong("is no user of ours", "write a sub of ours, as in tokens and events: usr-…")
    return value


IssuerName = Annotated[str, Read("name", read_issuer_name)]
User = Annotated[str, Read("sub", read_user)]


class TrustedIssuerTable(Table):
    """`[trusted_issuers.NAME]`: whose JWTs may be exchanged, as those of a cluster or of CI jobs.

    NAME is a source of exchanges. Their subjects are nobody of ours, whatever they are called.
    """

    issuer: Annotated[str, Read("text", read_issuer)] = Field(
        description="The `iss` of its tokens, to the letter.",
        examples=['"https://kubernetes.default.svc"'],
    )
    identity_assertions: bool = Field(
        default=False,
        description="Whether clients may bring its identity assertions (ID-JAG): it says then who "
        "their users are, and what they may have here.",
    )
    audiences: list[Text] = Field(
        [],
        max_length=20,
        description="Whom its tokens name in `aud` where they are made for us; one is enough. "
        "Required but for identity assertions, whose `aud` is our issuer.",
        examples=['["https://auth.example.com"]'],
        validate_default=True,
    )
    algorithms: list[TrustedAlgorithm] = Field(
        ["RS256", "ES256"], min_length=1, description="Signatures that are accepted."
    )
    jwks: Annotated[tuple[Key, ...] | None, Read("secret", client_jwks.read_jwks)] = absent(
        "Its public keys, a JSON Web Key Set in a file, where they are not to be fetched.",
        '"file:cluster.jwks.json"',
    )
    jwks_uri: Endpoint | None = absent(
        "Where its keys are; found by its metadata where left out.",
        '"https://cluster.example.com/openid/v1/jwks"',
    )
    users: dict[Text, User] = Field(
        {},
        max_length=1000,
        description="Those of its subjects who are users here: each with our `sub`.",
        examples=['{ "system:serviceaccount:prod:bot" = "usr-…" }'],
    )
    request_timeout: float = Field(
        5.0, ge=0.5, le=30, description="Seconds that a request may wait for its keys."
    )
    ca_file: CaFile | None = absent(
        "PEM file of the certificate authorities trusted for it, in place of the public ones of "
        "the `certifi` package.",
        '"cluster-ca.pem"',
    )

    @field_validator("audiences")
    @classmethod
    def _for_whom(cls, value: list[str], info: ValidationInfo) -> list[str]:
        if not value and not info.data.get("identity_assertions"):
            raise wrong("is missing", 'write ["https://auth.example.com"]')
        return value

    @field_validator("jwks_uri")
    @classmethod
    def _one_source_of_keys(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("jwks") is not None:
            raise wrong("is not used beside jwks", "leave out one of the two")
        return value

    @model_validator(mode="after")
    def _keys_can_be_found(self) -> Self:
        is_loopback = urlsplit(self.issuer).hostname in ("localhost", "127.0.0.1", "::1")
        is_url = self.issuer.startswith("https://") or is_loopback
        if self.jwks is None and self.jwks_uri is None and not is_url:
            raise wrong("has no keys: its issuer is no https URL", "write jwks or jwks_uri")
        return self


def to_trusted_issuer(name: str, table: TrustedIssuerTable) -> TrustedIssuer:
    """Return the issuer that a valid table means."""
    return TrustedIssuer(
        name=name,
        issuer=table.issuer,
        audiences=tuple(dict.fromkeys(table.audiences)),
        algorithms=tuple(dict.fromkeys(table.algorithms)),
        identity_assertions=table.identity_assertions,
        jwks_uri=table.jwks_uri,
        keys=table.jwks or (),
        users=MappingProxyType(dict(table.users)),
        request_timeout=float(table.request_timeout),
        ca_file=table.ca_file,
    )

"""`[external_services.NAME]`, as a pydantic model: RFC 8693 §2.1, §3"""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from authserver.oauth import resource
from authserver.oauth.edge import UPSTREAM
from authserver.oauth.exchange_request import ACCESS_TOKEN, ID_TOKEN, JWT
from authserver.settings import read, secret
from authserver.settings.external_service import ExternalService, ServiceSubject
from authserver.settings.origin import Origin, Read
from authserver.settings.problem import wrong
from authserver.settings.tables.table import CaFile, Endpoint, Scope, Table, Text, absent
from authserver.settings.upstream import SecretClientAuth

_TYPES = {"access_token": ACCESS_TOKEN, "id_token": ID_TOKEN, "jwt": JWT}
_USUAL_TYPE = {
    "upstream_access_token": ACCESS_TOKEN,
    "upstream_id_token": ID_TOKEN,
    "minted": JWT,
}
TokenType = Literal[
    "access_token",
    "id_token",
    "jwt",
    "urn:ietf:params:oauth:token-type:access_token",
    "urn:ietf:params:oauth:token-type:id_token",
    "urn:ietf:params:oauth:token-type:jwt",
]


def read_service_name(value: object, origin: Origin) -> str:
    """Return the name of a service, which is none of another target."""
    name = read.read_key(value, origin)
    if name == UPSTREAM or name in origin.resource_scopes:
        raise wrong("is the name of another target", "give the service a name of its own")
    return name


ServiceName = Annotated[str, Read("name", read_service_name)]


class ExternalServiceTable(Table):
    """`[external_services.NAME]`: an authorization server elsewhere, for a second exchange there.

    NAME is a target of exchanges; what comes back is that server's token.
    """

    token_url: Endpoint = Field(
        description="Its token endpoint.", examples=['"https://crm.example.com/oauth/token"']
    )
    client_auth: SecretClientAuth = Field(
        "client_secret_basic", description="How we prove ourselves there."
    )
    client_id: Text | None = Field(
        None,
        description='Our client id there; required unless client_auth is "none", and sent where '
        "it is written.",
        examples=['"authserver"'],
        validate_default=True,
    )
    client_secret: Annotated[str | None, secret.OPTIONAL_SECRET] = Field(
        None,
        description='Our secret there; required unless client_auth is "none".',
        examples=['"env:CRM_CLIENT_SECRET"'],
    )
    audience: Text | None = absent(
        "The `audience` that is asked for there.", '"https://api.crm.example.com"'
    )
    resource: Endpoint | None = absent(
        "The `resource` that is asked for there.", '"https://api.crm.example.com"'
    )
    scopes: list[Scope] = Field(
        [],
        max_length=50,
        description="The most that may be asked for there; each exchange says what it is worth.",
        examples=['["crm.read"]'],
    )
    subject: ServiceSubject = Field(
        "upstream_access_token",
        description="Which token is brought there: the user's at the provider, of a resource with "
        '`upstream_token = "exchange"`, or a JWT of ours that is minted for it.',
    )
    subject_token_type: TokenType | None = absent(
        "What it is called there; what it is where left out.", '"access_token"'
    )
    subject_audience: Text | None = Field(
        None,
        description='The `aud` of a minted JWT: that server alone. Required with "minted".',
        examples=['"https://crm.example.com"'],
    )
    request_timeout: float = Field(
        5.0, ge=0.5, le=30, description="Seconds that one exchange may wait for it."
    )
    ca_file: CaFile | None = absent(
        "PEM file of the certificate authorities trusted for it, in place of the public ones of "
        "the `certifi` package.",
        '"crm-ca.pem"',
    )

    @field_validator("client_id")
    @classmethod
    def _known_there(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("client_auth") not in (None, "none"):
            raise wrong("is missing", 'write our client id there, or client_auth = "none"')
        return value

    @field_validator("client_secret")
    @classmethod
    def _secret_fits(cls, value: str | None, info: ValidationInfo) -> str | None:
        auth = info.data.get("client_auth")
        if value is None and auth not in (None, "none"):
            raise wrong("is missing", 'write "env:NAME" or "file:/path", or client_auth = "none"')
        if value is not None and auth == "none":
            raise wrong('is not used with client_auth = "none"', "leave out one of the two")
        return value

    @field_validator("subject_audience")
    @classmethod
    def _minted_for_somebody(cls, value: str | None, info: ValidationInfo) -> str | None:
        subject = info.data.get("subject")
        if value is None and subject == "minted":
            raise wrong("is missing", "write whom the JWT is for: the other server's issuer")
        if value is not None and subject not in (None, "minted"):
            raise wrong(f'is not used with subject = "{subject}"', 'write subject = "minted"')
        origin = info.context
        if isinstance(origin, Origin) and resource.canonical(value or "") in origin.resource_urls:
            raise wrong("is a resource of this file", "write the other server's issuer")
        return value


def to_external_service(name: str, table: ExternalServiceTable) -> ExternalService:
    """Return the service that a valid table means."""
    named = table.subject_token_type
    return ExternalService(
        name=name,
        token_url=table.token_url,
        client_id=table.client_id,
        client_secret=table.client_secret,
        client_auth=table.client_auth,
        audience=table.audience,
        resource=table.resource,
        scopes=tuple(dict.fromkeys(table.scopes)),
        subject=table.subject,
        subject_token_type=_TYPES.get(named, named) if named else _USUAL_TYPE[table.subject],
        subject_audience=table.subject_audience,
        request_timeout=float(table.request_timeout),
        ca_file=table.ca_file,
    )

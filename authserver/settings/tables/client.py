"""The tables of clients that the operator registers: RFC 6749 §2.3, RFC 8693 §2"""

from typing import Annotated, Literal

from joserfc.jwk import Key
from pydantic import Field, ValidationInfo, field_validator

from authserver.oauth.client_metadata import DEVICE_CODE
from authserver.oauth.exchange_request import GRANT_TYPE
from authserver.oauth.identity_assertion import GRANT_TYPE as JWT_BEARER
from authserver.settings import client_auth, client_jwks, clients, redirect, secret
from authserver.settings.origin import Origin, Read
from authserver.settings.problem import wrong
from authserver.settings.tables.table import Table, Text, absent
from authserver.settings.upstream import AssertionAlgorithm

ResourceKey = Annotated[str, Read("name", clients.read_resource_name)]
ClientKey = Annotated[str, Read("name", clients.read_client_name)]
SecretDigest = Annotated[str, Read("secret", secret.read_client_secret)]
ClientId = Annotated[str, Read("text", clients.read_client_id)]
TargetName = Annotated[str, Read("name of a target", clients.read_target)]
TargetScope = Annotated[str, Read("scope of a target", clients.read_target_scope)]
SourceClient = Annotated[str, Read("client id", clients.read_source_client)]
GrantType = Literal[
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:token-exchange",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:device_code",
]
RedirectUriOfClient = Annotated[str, Read("URI", redirect.read_client_redirect_uri)]
ServerMethod = Literal["client_secret_basic", "client_secret_post", "private_key_jwt"]
AuthMethod = Literal["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]
_METHOD = "How it proves itself: private_key_jwt where it has keys, else client_secret_basic"


class CredentialsTable(Table):
    """How a client of this file proves itself."""

    jwks: Annotated[tuple[Key, ...] | None, Read("secret", client_jwks.read_jwks)] = absent(
        "Its public keys, a JSON Web Key Set in a file; it signs assertions with the private ones "
        "(`private_key_jwt`).",
        '"file:issues.jwks.json"',
    )
    jwks_uri: Annotated[str | None, Read("URL", client_jwks.read_jwks_uri)] = absent(
        "Where it publishes them, in place of `jwks`: fetched like the documents of clients, but "
        "whatever `[client_documents]` says of domains, or of being enabled.",
        '"https://app.example.com/jwks.json"',
    )
    token_endpoint_auth_method: AuthMethod | None = absent(
        f"{_METHOD}, unless written; `none` for an application that has no secret.",
        '"client_secret_post"',
    )
    dpop_bound_access_tokens: bool = Field(
        default=False,
        description="Whether it only gets tokens that are bound to a key which it proves to hold.",
    )
    client_secrets: list[SecretDigest] = Field(
        [],
        max_length=5,
        description="Its secrets, each of 32 characters or more; all are good, so that one can be "
        "replaced while the other still works. Required without keys, unless it is public.",
        examples=['["env:CLIENT_SECRET"]'],
    )
    token_endpoint_auth_signing_alg: AssertionAlgorithm | None = absent(
        "The one algorithm that its assertions are signed with; any of these where left out.",
        '"ES256"',
    )

    @field_validator("token_endpoint_auth_method")
    @classmethod
    def _fits_keys(cls, value: str, info: ValidationInfo) -> str:
        client_auth.check_method(value, info.data)
        return value

    @field_validator("client_secrets")
    @classmethod
    def _fits_keys_and_method(cls, value: list[str], info: ValidationInfo) -> list[str]:
        client_auth.check_secrets(value, info.data)
        return value

    @field_validator("token_endpoint_auth_signing_alg")
    @classmethod
    def _fits_the_keys(cls, value: str | None, info: ValidationInfo) -> str | None:
        client_auth.check_alg(value, info.data)
        return value


class ResourceClientTable(CredentialsTable):
    """`[resources.NAME.client]`: the MCP server itself, where it exchanges or introspects tokens.

    It may do so with tokens that were issued for it.
    """

    token_endpoint_auth_method: ServerMethod | None = absent(
        f"{_METHOD}, unless written.", '"client_secret_post"'
    )
    client_id: ClientId = Field(
        "",
        description="Its client id; NAME where left out.",
        examples=['"issues-server"'],
        validate_default=False,
    )


class ClientTable(CredentialsTable):
    """`[clients.NAME]`: a client that the operator knows: an application, a backend, a machine.

    NAME is its client id. Each list narrows what it may do; none may be left out.
    """

    name: Text | None = absent(
        "What users see, and what it is called in lists; NAME where left out.", '"Chat"'
    )
    grant_types: list[GrantType] = Field(
        min_length=1,
        description="What it may use the token endpoint for: `authorization_code` where users sign "
        "in through it, `client_credentials` for tokens of its own, where no user is.",
        examples=['["authorization_code", "refresh_token"]'],
    )
    redirect_uris: list[RedirectUriOfClient] = Field(
        [],
        max_length=10,
        description="Where its users are sent back to; required for `authorization_code`.",
        examples=['["https://app.example.com/callback"]'],
    )
    targets: list[TargetName] = Field(
        min_length=1,
        description="What it may get tokens for: names of resources and external services, and "
        "`upstream`.",
        examples=['["issues"]'],
    )
    scopes: list[TargetScope] = Field(
        description="The most that its tokens may allow at their targets.",
        examples=['["issues:read"]'],
    )
    require_pushed_authorization_requests: bool = Field(
        default=False,
        description="Whether it has to push its authorization requests to `/par`, so that they "
        "come from itself and pass through no browser.",
    )
    source_clients: list[SourceClient] = Field(
        [],
        description="The clients whose users' tokens it may exchange; `NAME:id` is a client of a "
        "trusted issuer or of `upstream` as that calls it, `NAME:*` all of its, `*` any at all. "
        "Required for the exchange, of no use without.",
        examples=['["mcp-4Xv…"]'],
    )

    @field_validator("grant_types")
    @classmethod
    def _fitting(cls, value: list[str], info: ValidationInfo) -> list[str]:
        asks_users = {"authorization_code", DEVICE_CODE}
        if "refresh_token" in value and not asks_users & set(value):
            raise wrong("has refresh_token alone", "add authorization_code, which brings one")
        if JWT_BEARER in value and isinstance(info.context, Origin) and not info.context.asserting:
            raise wrong(
                "has a grant for identity assertions, which nobody may make",
                "write identity_assertions = true in [upstream] or [trusted_issuers.NAME]",
            )
        is_public = info.data.get("token_endpoint_auth_method") == "none"
        if is_public and not set(value) <= {*asks_users, "refresh_token"}:
            raise wrong("needs a client that proves itself", "give it client_secrets, or keys")
        return value

    @field_validator("redirect_uris")
    @classmethod
    def _where_users_sign_in(cls, value: list[str], info: ValidationInfo) -> list[str]:
        signs_in = "authorization_code" in info.data.get("grant_types", ())
        if signs_in and not value:
            raise wrong("is missing", 'write ["https://app.example.com/callback"]')
        if value and "grant_types" in info.data and not signs_in:
            raise wrong("is of no use without authorization_code", "leave it out")
        return value

    @field_validator("require_pushed_authorization_requests")
    @classmethod
    def _where_it_asks_users(cls, value: bool, info: ValidationInfo) -> bool:  # noqa: FBT001
        grant_types = info.data.get("grant_types", ("authorization_code",))
        if value and "authorization_code" not in grant_types:
            raise wrong("is of no use without authorization_code", "leave it out")
        return value

    @field_validator("targets")
    @classmethod
    def _that_its_grants_reach(cls, value: list[str], info: ValidationInfo) -> list[str]:
        if isinstance(info.context, Origin) and "grant_types" in info.data:
            clients.check_reach(value, info.data["grant_types"], info.context)
        return value

    @field_validator("source_clients")
    @classmethod
    def _where_it_exchanges(cls, value: list[str], info: ValidationInfo) -> list[str]:
        exchanges = GRANT_TYPE in info.data.get("grant_types", ())
        if exchanges and not value:
            raise wrong("is missing", 'name the clients, as in ["mcp-4Xv…"]')
        if value and "grant_types" in info.data and not exchanges:
            raise wrong("is of no use without the exchange", f"add {GRANT_TYPE} to grant_types")
        return value

"""`[upstream]` with type = "oidc", as a pydantic model: OpenID Connect Core 1.0, Discovery 1.0"""

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from authserver.settings import presets
from authserver.settings.client_key import OPTIONAL_CLIENT_KEY, algorithms
from authserver.settings.origin import Origin
from authserver.settings.problem import wrong
from authserver.settings.tables.table import (
    Endpoint,
    FieldPath,
    Scope,
    Tenant,
    Text,
    UpstreamIssuer,
    absent,
    optional,
)
from authserver.settings.tables.upstream_common import FieldsTable, UpstreamTable
from authserver.settings.upstream import (
    CLOCK_SKEW,
    TENANT,
    AssertionAlgorithm,
    AssertionAudience,
    ClientKey,
    IdTokenAlgorithm,
    Prompt,
    UserinfoUse,
)

_MIN_SHARED_KEY = 32  # bytes; RFC 7518 §3.2


class OidcTable(UpstreamTable):
    """What else it may hold with this type: an OpenID provider, found by its issuer."""

    issuer: UpstreamIssuer = Field(
        description="Its issuer, spelled as in its own metadata; http on loopback only.",
        examples=['"https://login.example.com"'],
    )
    discovery_url: Endpoint | None = absent(
        "Where its metadata is, if not at the issuer's well-known path.",
        '"https://login.example.com/metadata"',
    )
    tenants: list[Tenant] = Field(
        [],
        max_length=100,
        description="The tenants whose users are let in, where the issuer has {tenantid} in it.",
        examples=['["8f0c7a4e-2c55-4d0f-9a53-6f2f0a1c9b1e"]'],
    )
    scopes: list[Scope] = Field(
        ["openid", "profile", "email"], description="What we ask for there; openid is required."
    )
    offline_scopes: list[Scope] = Field(
        ["offline_access"], description="Scopes added where its refresh token is to be kept."
    )
    subject_claim: FieldPath = Field(
        "sub", description="The ID token's claim that names the user for ever; without it nobody."
    )
    id_token_algs: list[IdTokenAlgorithm] = Field(
        ["RS256", "ES256", "PS256", "EdDSA"],
        min_length=1,
        description="Signatures accepted on ID tokens. HS256 needs a client_secret of 32 bytes.",
    )
    userinfo: UserinfoUse = Field(
        "when-needed",
        description="Whether userinfo is asked as well: when-needed is where the ID token lacks "
        "name or e-mail address.",
    )
    prompts: list[Prompt] = Field(
        ["login", "select_account"], description="The values of prompt that the provider knows."
    )
    fields: FieldsTable = optional("Where the user is described.")
    client_key: Annotated[ClientKey | None, OPTIONAL_CLIENT_KEY] = Field(
        None,
        description="Our private key there in PEM, for private_key_jwt; a certificate may follow.",
        examples=['"file:upstream-key.pem"'],
    )
    client_key_id: Text | None = absent(
        "The kid of our key there; its RFC 7638 thumbprint where left out.", '"key-1"'
    )
    client_key_alg: AssertionAlgorithm | None = absent(
        "What our key signs with; the usual one of its kind where left out.", '"PS256"'
    )
    client_assertion_audience: AssertionAudience = Field(
        "issuer", description="The audience that the provider wants in our assertions."
    )
    exchange_audiences: list[Text] = Field(
        [],
        max_length=20,
        description="Whom its tokens may be made for, beside client_id, where a delegate exchanges "
        "them: client ids of its ID tokens, audiences of its JWT access tokens.",
        examples=['["chat-frontend"]'],
    )
    identity_assertions: bool = Field(
        default=False,
        description="Whether clients may bring its identity assertions (ID-JAG) in place of a "
        "sign-in: it says then who its users are to them, and what they may have here.",
    )
    clock_skew: int = Field(
        CLOCK_SKEW, ge=0, le=300, description="Seconds that the provider's clock may be off."
    )

    @field_validator("identity_assertions")
    @classmethod
    def _noted(cls, value: bool, info: ValidationInfo) -> bool:  # noqa: FBT001
        if value and "HS256" in info.data.get("id_token_algs", ()):
            raise wrong("is not for keys that are shared", "leave HS256 out of id_token_algs")
        if value and isinstance(info.context, Origin):
            info.context.asserting.add("upstream.identity_assertions")
        return value

    @field_validator("issuer")
    @classmethod
    def _issuer_is_the_presets(cls, value: str, info: ValidationInfo) -> str:
        presets.check_issuer(info.data.get("preset"), value)
        return value

    @field_validator("tenants")
    @classmethod
    def _tenants_fit_the_issuer(cls, value: list[str], info: ValidationInfo) -> list[str]:
        issuer = info.data.get("issuer")
        if issuer is None:
            return value
        if TENANT in issuer and not value:
            raise wrong("is missing: the issuer is many tenants'", 'write tenants = ["TENANT-ID"]')
        if TENANT not in issuer and value:
            raise wrong(
                "is only for an issuer of many tenants",
                f"write {TENANT} in the issuer in place of the tenant, or leave tenants out",
            )
        if TENANT in issuer and not info.data.get("discovery_url"):
            raise wrong("needs a discovery_url", "write discovery_url: where the metadata is")
        if isinstance(info.context, Origin):
            info.context.known_issuers.update(issuer.replace(TENANT, each) for each in value)
        return value

    @field_validator("scopes")
    @classmethod
    def _openid_is_asked(cls, value: list[str]) -> list[str]:
        if "openid" not in value:
            raise wrong("lacks openid", 'add "openid": without it there is no ID token')
        return value

    @field_validator("id_token_algs")
    @classmethod
    def _shared_key_is_long(cls, value: list[str], info: ValidationInfo) -> list[str]:
        is_known = "client_secret" in info.data
        secret_length = len((info.data.get("client_secret") or "").encode())
        if "HS256" in value and is_known and secret_length < _MIN_SHARED_KEY:
            raise wrong(
                "has HS256, and client_secret is too short for HS256",
                "use a secret of 32 bytes or more, or leave HS256 out",
            )
        return value

    @field_validator("client_key")
    @classmethod
    def _key_fits(cls, value: ClientKey | None, info: ValidationInfo) -> ClientKey | None:
        auth = info.data.get("client_auth")
        if value is None and auth == "private_key_jwt":
            raise wrong("is missing", 'write client_key = "file:/path" with a PEM private key')
        if value is not None and auth not in (None, "private_key_jwt"):
            raise wrong(
                f'is not used with client_auth = "{auth}"', 'write client_auth = "private_key_jwt"'
            )
        return value

    @field_validator("client_key_alg")
    @classmethod
    def _alg_fits(cls, value: str, info: ValidationInfo) -> str:
        key = info.data.get("client_key")
        if key is not None and value not in algorithms(key.private):
            able = ", ".join(algorithms(key.private))
            raise wrong("is not what client_key can sign with", f"write one of: {able}")
        return value

"""The one identity provider as the configuration describes it: OpenID Connect Core 1.0, RFC 6749"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from joserfc.jwk import ECKey, OKPKey, RSAKey

SecretClientAuth = Literal["client_secret_basic", "client_secret_post", "none"]
UpstreamClientAuth = Literal["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]
AssertionAudience = Literal["issuer", "token_endpoint"]
AssertionAlgorithm = Literal["RS256", "PS256", "ES256", "ES384", "EdDSA"]
UserinfoUse = Literal["when-needed", "always", "never"]
Prompt = Literal["login", "select_account"]
IdTokenAlgorithm = Literal[
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "HS256",
]
PrivateKey = ECKey | OKPKey | RSAKey
CLOCK_SKEW = 60  # seconds that its clock may be off
TENANT = "{tenantid}"  # as Entra writes it in the issuer of its metadata for many tenants


@dataclass(frozen=True, slots=True)
class ClientKey:
    """Our private key at the provider, for assertions (RFC 7523 §2.2) signed with `alg`.

    `kid` names it, and `x5t`, the SHA-256 thumbprint of its certificate, where there is one.
    """

    kid: str
    alg: AssertionAlgorithm
    private: PrivateKey = field(repr=False, compare=False)
    x5t: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileFields:
    """Where a provider's documents describe the user: of each list the first that is not empty.

    A dot leads into a member: `realm_access.roles`.
    """

    name: tuple[str, ...] = ("name",)
    email: tuple[str, ...] = ("email",)
    email_verified: tuple[str, ...] = ("email_verified",)
    groups: tuple[str, ...] = ("groups",)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFields:
    """Where a token response holds what RFC 6749 §5.1 names, for providers that nest it."""

    access_token: str = "access_token"
    refresh_token: str = "refresh_token"
    expires_in: str = "expires_in"
    scope: str = "scope"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamRegistration:
    """How we are known to the provider and what we ask of it, whatever it speaks.

    `name` is what the sign-in button says. `prompts` are the values of `prompt` it understands.
    `offline_scopes` and `offline_params` are added where its refresh token is to be kept.
    `token_request_scope` repeats the scopes at its token endpoint. `ca_file` replaces the
    certificate authorities that we trust for it. `request_timeout` is seconds for a whole step.
    """

    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    client_auth: UpstreamClientAuth = "client_secret_basic"
    name: str = "your identity provider"
    preset: str | None = None
    scopes: tuple[str, ...] = ()
    authorization_params: Mapping[str, str] = field(default_factory=dict)
    prompts: tuple[Prompt, ...] = ()
    offline_scopes: tuple[str, ...] = ()
    offline_params: Mapping[str, str] = field(default_factory=dict)
    token_request_scope: bool = False
    fields: ProfileFields = field(default_factory=ProfileFields)
    request_timeout: float = 5.0
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcUpstream(UpstreamRegistration):
    """An OpenID provider, found by its issuer.

    With `tenants` the issuer holds `{tenantid}`, and only these tenants' users are let in.
    `discovery_url` is where its metadata lives, where that does not follow from the issuer.
    `exchange_audiences` are whom its tokens may be made for to be exchanged for ours;
    `identity_assertions` is whether it may say who its users are to clients (ID-JAG).
    """

    scopes: tuple[str, ...] = ("openid", "profile", "email")
    prompts: tuple[Prompt, ...] = ("login", "select_account")
    offline_scopes: tuple[str, ...] = ("offline_access",)
    discovery_url: str | None = None
    tenants: tuple[str, ...] = ()
    subject_claim: str = "sub"
    id_token_algs: tuple[IdTokenAlgorithm, ...] = ("RS256", "ES256", "PS256", "EdDSA")
    userinfo: UserinfoUse = "when-needed"
    client_key: ClientKey | None = field(default=None, repr=False)
    client_assertion_audience: AssertionAudience = "issuer"
    exchange_audiences: tuple[str, ...] = ()
    identity_assertions: bool = False
    clock_skew: int = CLOCK_SKEW

    def issuer_of(self, tenant: str) -> str:
        """Return the issuer of one tenant's tokens."""
        return self.issuer.replace(TENANT, tenant)


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth2Upstream(UpstreamRegistration):
    """A plain OAuth 2.0 provider: no ID token, so that its endpoints say who signed in.

    `subject` are the fields that name the user for ever, in the answer of `userinfo_endpoint`, or
    in the token response where there is none. `derived_issuer` says that `issuer` is only the
    origin of the authorization endpoint, because none was written.
    """

    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str | None = None
    emails_endpoint: str | None = None
    subject: tuple[str, ...] = ("sub",)
    token_fields: TokenFields = field(default_factory=TokenFields)
    scope_parameter: str = "scope"
    derived_issuer: bool = False


Upstream = OidcUpstream | OAuth2Upstream

"""What a client says about itself: RFC 7591 §2, §3.2."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from joserfc.jwk import Key

from authserver.oauth import client_keys, client_metadata, scope
from authserver.oauth.client_keys import ClientKeys
from authserver.oauth.client_metadata import AUTH_METHODS, GRANT_TYPES, AuthMethod
from authserver.oauth.errors import OAuthError
from authserver.oauth.registration_policy import RegistrationPolicy
from authserver.oauth.resource import Resource

__all__ = [
    "AUTH_METHODS",
    "GRANT_TYPES",
    "AuthMethod",
    "Client",
    "RegistrationPolicy",
    "check_limits",
    "digest",
    "echo",
    "parse",
    "registered",
    "secret_digest",
]

_OF_KEYS = ("jwks", "jwks_uri", "token_endpoint_auth_signing_alg")
_FLAGS = ("require_pushed_authorization_requests", "dpop_bound_access_tokens")


@dataclass(frozen=True, slots=True)
class Client:
    """A client; `secret_digest` is the SHA-256 of its secret, None for a public one.

    One from the configuration may have `further_secret_digests`, so that a secret can be replaced,
    or public `keys` in their place. One that registered or publishes itself has them in its `jwks`
    or at its `jwks_uri`, and they become `keys` when it proves itself;
    `token_endpoint_auth_signing_alg` is the one it signs with, None for any. `resources` are the
    names of those that it is limited to, None for all.
    """

    client_id: str
    redirect_uris: tuple[str, ...]
    client_name: str | None = None
    token_endpoint_auth_method: AuthMethod = "none"
    grant_types: tuple[str, ...] = GRANT_TYPES
    response_types: tuple[str, ...] = ("code",)
    scope: tuple[str, ...] | None = None
    application_type: str | None = None
    other: Mapping[str, str] = field(default_factory=dict)
    secret_digest: str | None = field(default=None, repr=False)
    further_secret_digests: tuple[str, ...] = field(default=(), repr=False)
    keys: tuple[Key, ...] = field(default=(), repr=False)
    jwks: Mapping[str, object] | None = field(default=None, repr=False)
    jwks_uri: str | None = None
    token_endpoint_auth_signing_alg: str | None = None
    require_pushed_authorization_requests: bool = False
    dpop_bound_access_tokens: bool = False
    resources: frozenset[str] | None = None
    registered_at: int = 0
    preregistered: bool = False

    @property
    def secret_digests(self) -> tuple[str, ...]:
        """Return the digest of each secret that is good for it."""
        first = () if self.secret_digest is None else (self.secret_digest,)
        return (*first, *self.further_secret_digests)

    def may_use(self, resource: Resource) -> bool:
        """Say whether it may ask for tokens of a resource."""
        return self.resources is None or resource.key in self.resources

    @property
    def display_name(self) -> str:
        """Return the name that the user is shown."""
        return self.client_name or "An application without a name"


def parse(
    document: Mapping[str, object], policy: RegistrationPolicy, further: tuple[str, ...] = ()
) -> Client:
    """Turn client metadata into a `Client` without id and secret.

    `further` are grant types that it may have beside those of every client, or alone. What is not
    supported is dropped where the rest still works (RFC 7591 §2). Raises `invalid_redirect_uri`
    or `invalid_client_metadata`.
    """
    grant_types, response_types, uris = client_metadata.read_ways(
        document, policy.redirect, (*policy.browserless, *further)
    )
    method = client_metadata.read_auth_method(
        document.get("token_endpoint_auth_method"),
        wants_secret=not policy.confidential_redirect_uris.isdisjoint(uris),
    )
    client = Client(
        client_id="",
        redirect_uris=uris,
        client_name=client_metadata.read_name(document.get("client_name")),
        token_endpoint_auth_method=method,
        grant_types=grant_types,
        response_types=response_types,
        scope=client_metadata.read_scope(
            document.get("scope"), policy.scopes_supported, policy.default_client_scopes
        ),
        application_type=client_metadata.read_application_type(document.get("application_type")),
        other=client_metadata.read_other(document),
    )
    return _secured(client, document, policy)


def _secured(client: Client, document: Mapping[str, object], policy: RegistrationPolicy) -> Client:
    keys = _keys(document, client.token_endpoint_auth_method, policy)
    return replace(
        client,
        jwks=keys.jwks,
        jwks_uri=keys.jwks_uri,
        token_endpoint_auth_signing_alg=keys.alg,
        require_pushed_authorization_requests=client_metadata.read_flag(
            "require_pushed_authorization_requests", document, has=policy.pushed_requests
        ),
        dpop_bound_access_tokens=client_metadata.read_flag(
            "dpop_bound_access_tokens", document, has=policy.dpop
        ),
    )


def _keys(
    document: Mapping[str, object], method: AuthMethod, policy: RegistrationPolicy
) -> ClientKeys:
    if method == client_metadata.PRIVATE_KEY_JWT:
        return client_keys.read(document, fetches=policy.fetches_keys)
    client_keys.check(document)
    return ClientKeys()


def echo(client: Client, scopes_supported: tuple[str, ...]) -> dict[str, object]:
    """Return the members of a registration response (RFC 7591 §3.2.1): what is unset is absent."""
    document: dict[str, object] = {
        "client_id": client.client_id,
        "client_id_issued_at": client.registered_at,
        "redirect_uris": list(client.redirect_uris),
        "token_endpoint_auth_method": client.token_endpoint_auth_method,
        "grant_types": list(client.grant_types),
        "response_types": list(client.response_types),
        "scope": scope.join(scopes_supported if client.scope is None else client.scope),
    }
    for name in _OF_KEYS:
        value = getattr(client, name)
        if value is not None:
            document[name] = value
    for name in (*_FLAGS, "client_name", "application_type"):
        if getattr(client, name):
            document[name] = getattr(client, name)
    return {**document, **client.other}


def registered(client: Client, client_id: str, secret: str | None, now: int) -> Client:
    """Return the client as it is stored: with its id and the digest of its secret."""
    digest = None if secret is None else secret_digest(secret)
    return replace(client, client_id=client_id, secret_digest=digest, registered_at=now)


def check_limits(client: Client, resource: Resource, names: tuple[str, ...]) -> None:
    """Raise `invalid_grant` where a client of the configuration was narrowed since it was granted.

    Whoever registered is what it was then; what the operator takes away holds at once.
    """
    if client.resources is None:
        return
    if not client.may_use(resource) or not {*names} <= {*(client.scope or ()), *scope.STANDARD}:
        raise OAuthError("invalid_grant", "The grant is not valid.", detail="client_narrowed")


def secret_digest(secret: str) -> str:
    """Return the SHA-256 of a 256-bit random secret, in hex; no slow hash is needed for one."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def digest(client: Client) -> str:
    """Return what a remembered consent depends on: name, redirect URIs and keys of the client."""
    keys = client.jwks_uri or (client.jwks and json.dumps(client.jwks, sort_keys=True))
    proof = (f"keys {keys}",) if keys else ()
    text = "\n".join((client.display_name, *sorted(client.redirect_uris), *proof))
    return hmac.new(b"client", text.encode(), hashlib.sha256).hexdigest()

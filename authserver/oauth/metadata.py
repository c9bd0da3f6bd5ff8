"""What the server says about itself: RFC 8414 §2, RFC 9207 §3, OpenID Connect Discovery §3."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from authserver.oauth import client_assertion, dpop, identity_assertion, scope, workload
from authserver.oauth.client import AUTH_METHODS, GRANT_TYPES
from authserver.oauth.client_metadata import DEVICE_CODE
from authserver.oauth.exchange_request import GRANT_TYPE
from authserver.oauth.resource import Resource

SIGNING_ALGORITHMS = ("ES256", "RS256", "EdDSA")
_ALWAYS: Mapping[str, object] = {
    "response_types_supported": ["code"],
    "response_modes_supported": ["query"],
    "code_challenge_methods_supported": ["S256"],
    "authorization_response_iss_parameter_supported": True,
    "subject_types_supported": ["public"],
    "prompt_values_supported": ["none", "login", "consent", "select_account"],
    "claims_parameter_supported": False,
    "request_parameter_supported": False,
    "request_uri_parameter_supported": False,
}


def scopes_supported(
    resources: tuple[Resource, ...], *, offline_access: bool = False
) -> tuple[str, ...]:
    """Return the scopes of all resources and the standard ones.

    `offline_access` is always tolerated, but listed only where the operator says so: some
    clients answer its listing with prompt=consent at every login.
    """
    names = dict.fromkeys(name for resource in resources for name in resource.scopes)
    standard = (name for name in scope.STANDARD if offline_access or name != "offline_access")
    return tuple(dict.fromkeys((*names, *standard)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What the operator switched on; `offline_access` is whether that scope is listed."""

    registration: bool = True
    offline_access: bool = False
    token_exchange: bool = False
    token_batch: bool = False
    client_credentials: bool = False
    workloads: bool = False
    client_assertions: bool = False
    client_documents: bool = False
    pushed_requests: bool = False
    dpop: bool = False
    identity_assertions: bool = False
    downstream_servers: bool = False
    device_authorization: bool = False


def authorization_server_metadata(
    issuer: str,
    resources: tuple[Resource, ...],
    features: Features,
    *,
    id_token_algs: tuple[str, ...],
    authorization_endpoint_base_url: str | None = None,
) -> dict[str, object]:
    """Return the metadata document; every member is mounted and works, what is off is absent."""
    scopes = scopes_supported(resources, offline_access=features.offline_access)
    document: dict[str, object] = {
        "issuer": issuer,
        "authorization_endpoint": f"{authorization_endpoint_base_url or issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks.json",
        "scopes_supported": list(scopes),
        "grant_types_supported": list(grant_types(features)),
        "revocation_endpoint": f"{issuer}/revoke",
        "introspection_endpoint": f"{issuer}/introspect",
        **_client_authentication(features),
        **_ALWAYS,
        "id_token_signing_alg_values_supported": list(id_token_algs),
        "protected_resources": [resource.url for resource in resources],
    }
    return {**document, **_switched_on(issuer, features)}


def _switched_on(issuer: str, features: Features) -> dict[str, object]:
    """Return the members that are absent where the operator did not want them."""
    members: dict[str, tuple[bool, object]] = {
        "token_batch_endpoint": (features.token_batch, f"{issuer}/token-batch"),
        "pushed_authorization_request_endpoint": (features.pushed_requests, f"{issuer}/par"),
        "device_authorization_endpoint": (
            features.device_authorization,
            f"{issuer}/device_authorization",
        ),
        "registration_endpoint": (features.registration, f"{issuer}/register"),
        "client_id_metadata_document_supported": (features.client_documents, True),
        "dpop_signing_alg_values_supported": (features.dpop, list(dpop.ALGORITHMS)),
        "authorization_grant_profiles_supported": (
            features.identity_assertions,
            [identity_assertion.PROFILE],
        ),
        "identity_chaining_requested_token_types_supported": (
            features.downstream_servers,
            [identity_assertion.TOKEN_TYPE],
        ),
    }
    return {name: value for name, (is_on, value) in members.items() if is_on}


def grant_types(features: Features) -> Iterator[str]:
    """Yield those that the token endpoint takes: of another it says that it has none such."""
    yield from GRANT_TYPES
    if features.client_credentials:
        yield "client_credentials"
    if features.token_exchange:
        yield GRANT_TYPE
    if features.workloads or features.identity_assertions:
        yield workload.GRANT_TYPE
    if features.device_authorization:
        yield DEVICE_CODE


def _client_authentication(features: Features) -> dict[str, object]:
    """Return how clients prove themselves; introspection is for those who do (RFC 7662 §2.1).

    Secrets are always listed: whoever registered with one before registration was closed has it
    still, and chooses from this list.
    """
    proven: list[str] = [each for each in AUTH_METHODS if each != "none"]
    if features.client_assertions:
        proven.append("private_key_jwt")
    members: dict[str, object] = {
        "token_endpoint_auth_methods_supported": ["none", *proven],
        "revocation_endpoint_auth_methods_supported": ["none", *proven],
        "introspection_endpoint_auth_methods_supported": proven,
    }
    if features.client_assertions:
        algs = list(client_assertion.ALGORITHMS)
        for endpoint in ("token", "revocation", "introspection"):
            members[f"{endpoint}_endpoint_auth_signing_alg_values_supported"] = algs
    return members

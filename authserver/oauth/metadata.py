"""What the server says about itself: RFC 8414 §2, RFC 9207 §3, OpenID Connect Discovery §3."""

from authserver.oauth import client_assertion, scope
from authserver.oauth.client import AUTH_METHODS, GRANT_TYPES
from authserver.oauth.exchange_request import GRANT_TYPE
from authserver.oauth.resource import Resource

SIGNING_ALGORITHMS = ("ES256", "RS256", "EdDSA")


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


def authorization_server_metadata(
    issuer: str,
    resources: tuple[Resource, ...],
    *,
    registration: bool,
    offline_access: bool,
    token_exchange: bool,
    client_assertions: bool,
    id_token_algs: tuple[str, ...],
    authorization_endpoint_base_url: str | None = None,
) -> dict[str, object]:
    """Return the metadata document; every member is mounted and works, what is off is absent."""
    proven: list[str] = [each for each in AUTH_METHODS if each != "none"]
    if client_assertions:
        proven.append("private_key_jwt")
    document: dict[str, object] = {
        "issuer": issuer,
        "authorization_endpoint": f"{authorization_endpoint_base_url or issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks.json",
        "scopes_supported": list(scopes_supported(resources, offline_access=offline_access)),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [*GRANT_TYPES, *([GRANT_TYPE] if token_exchange else [])],
        "token_endpoint_auth_methods_supported": ["none", *proven],
        "revocation_endpoint": f"{issuer}/revoke",
        "revocation_endpoint_auth_methods_supported": ["none", *proven],
        "introspection_endpoint": f"{issuer}/introspect",
        "introspection_endpoint_auth_methods_supported": proven,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": list(id_token_algs),
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "protected_resources": [resource.url for resource in resources],
    }
    if client_assertions:
        algs = list(client_assertion.ALGORITHMS)
        for endpoint in ("token", "revocation", "introspection"):
            document[f"{endpoint}_endpoint_auth_signing_alg_values_supported"] = algs
    if registration:
        document["registration_endpoint"] = f"{issuer}/register"
    return document

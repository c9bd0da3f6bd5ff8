"""What a client may change of its registration, and what it may not: RFC 7592 §2.2."""

import hmac
from collections.abc import Mapping

from authserver.oauth.client import Client, secret_digest
from authserver.oauth.errors import OAuthError

# The server's own: a client that sends them has taken them from an answer (§2.2: MUST NOT).
_OF_THE_SERVER = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)


def read(document: Mapping[str, object], client: Client) -> dict[str, object]:
    """Return the metadata of an update, less what names the client.

    It replaces all that was registered before: what is left out is gone. Raises
    `invalid_client_metadata`.
    """
    if document.get("client_id") != client.client_id:
        raise _bad("client_id must be that of the client.")
    if any(name in document for name in _OF_THE_SERVER):
        raise _bad("What the server chose must not be sent back.")
    if "client_secret" in document and not _is_its_own(document["client_secret"], client):
        raise _bad("client_secret must be that of the client, or be left out.")
    return {name: document[name] for name in document if name not in ("client_id", "client_secret")}


def check_kind(before: Client, after: Client) -> None:
    """Raise `invalid_client_metadata` where a client would become one of another kind.

    A public one never gets a secret so, nor one with keys a secret in their place.
    """
    if after.token_endpoint_auth_method != before.token_endpoint_auth_method:
        raise _bad("token_endpoint_auth_method cannot be changed: register again.")
    if after.application_type != before.application_type:
        raise _bad("application_type cannot be changed: register again.")


def _is_its_own(secret: object, client: Client) -> bool:
    return (
        isinstance(secret, str)
        and client.secret_digest is not None
        and hmac.compare_digest(secret_digest(secret), client.secret_digest)
    )


def _bad(description: str) -> OAuthError:
    return OAuthError("invalid_client_metadata", description)

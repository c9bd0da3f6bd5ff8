"""The public keys with which a client proves itself, in its metadata: RFC 7591 §2, RFC 7517 §5."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from authserver.oauth import jwk, redirect_uri, stranger_url
from authserver.oauth.client_assertion import ALGORITHMS
from authserver.oauth.errors import OAuthError

MAX_KEYS = 20


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """Where the keys are, in the metadata or at a URL, and what they sign with, None for any."""

    jwks: Mapping[str, object] | None = field(default=None, repr=False)
    jwks_uri: str | None = None
    alg: str | None = None


def read(document: Mapping[str, object], *, fetches: bool) -> ClientKeys:
    """Return the keys of a client that uses them; raises `invalid_client_metadata`.

    Whether a URL may be fetched is the server's to say (`fetches`).
    """
    check(document)
    jwks, uri = document.get("jwks"), document.get("jwks_uri")
    alg = document.get("token_endpoint_auth_signing_alg")
    if alg is not None and alg not in ALGORITHMS:
        raise _bad("token_endpoint_auth_signing_alg is not supported.")
    if isinstance(uri, str):
        if not fetches or stranger_url.parse(uri) is None:
            raise _bad("jwks_uri must be a plain https URL that may be fetched here.")
        return ClientKeys(jwks_uri=uri, alg=None if alg is None else str(alg))
    keys = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(keys, list) or not 0 < len(keys) <= MAX_KEYS:
        raise _bad("private_key_jwt needs jwks or jwks_uri.")
    return ClientKeys({"keys": keys}, alg=None if alg is None else str(alg))


def check(document: Mapping[str, object]) -> None:
    """Refuse private keys and two sources of keys, also where no keys are used."""
    jwks, uri = document.get("jwks"), document.get("jwks_uri")
    if uri is not None and (not isinstance(uri, str) or len(uri) > redirect_uri.MAX_LENGTH):
        raise _bad("jwks_uri must be a string of at most 2048 characters.")
    if jwks is None:
        return
    if uri is not None:
        raise _bad("jwks and jwks_uri must not be used together.")
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise _bad("jwks must be a JSON Web Key Set.")
    if any(jwk.PRIVATE & set(key) for key in keys):
        raise _bad("jwks must hold public keys only.")


def _bad(description: str) -> OAuthError:
    return OAuthError("invalid_client_metadata", description)

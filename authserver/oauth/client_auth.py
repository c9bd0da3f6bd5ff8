"""How a client proves itself: OAuth 2.1 §2.4, RFC 6749 §2.3.1, RFC 7523 §2.2."""

import binascii
import hmac
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from authserver.oauth import client_assertion
from authserver.oauth.client import AuthMethod, Client, secret_digest
from authserver.oauth.client_assertion import ProvenAssertion
from authserver.oauth.errors import OAuthError
from authserver.oauth.params import Params

_BASIC_CHALLENGE = (("WWW-Authenticate", 'Basic realm="authserver", charset="UTF-8"'),)
MAX_HEADER = 4096


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request offers: `secrets` are the readings of one secret (form-encoded, or raw)."""

    client_id: str
    method: AuthMethod
    secrets: tuple[str, ...] = field(default=(), repr=False)
    assertion: str = field(default="", repr=False)


def parse(authorization: str | None, params: Params) -> Credentials:
    """Read the one authentication method of a request.

    Raises `invalid_request` for two methods at once, `invalid_client` for none or a broken one.
    """
    client_secret = params.get("client_secret")
    if "client_assertion" in params or "client_assertion_type" in params:
        if authorization is not None or client_secret is not None:
            raise _two_methods()
        return _parse_assertion(params)
    if authorization is not None:
        if client_secret is not None:
            raise _two_methods()
        return _parse_basic(authorization, params.get("client_id"))
    client_id = params.get("client_id")
    if client_id is None:
        raise OAuthError("invalid_client", "The parameter client_id is missing.")
    if client_secret is None:
        return Credentials(client_id, "none")
    return Credentials(client_id, "client_secret_post", (client_secret,))


def check(
    client: Client | None, credentials: Credentials, issuer: str, now: int
) -> tuple[Client, ProvenAssertion | None]:
    """Return the client where the credentials are its own; raises `invalid_client`.

    An unknown client, a wrong secret and a wrong method look the same from outside. What an
    assertion proves is still to be spent.
    """
    expected = client.secret_digests if client else ()
    right = [
        hmac.compare_digest(secret_digest(each), compared)
        for each in credentials.secrets
        for compared in expected or (secret_digest(""),)
    ]
    if client is None:
        raise _refused(credentials, "unknown client")
    if client.token_endpoint_auth_method != credentials.method:
        raise _refused(credentials, "method differs from the registered one")
    if credentials.method == "private_key_jwt":
        assertion = credentials.assertion
        alg = client.token_endpoint_auth_signing_alg
        proven = client_assertion.prove(
            assertion, client.client_id, client.keys, issuer, now, alg=alg
        )
        return client, proven
    if credentials.method != "none" and not (expected and any(right)):
        raise _refused(credentials, "wrong secret")
    return client, None


def _parse_assertion(params: Params) -> Credentials:
    assertion = params.get("client_assertion")
    if params.get("client_assertion_type") != client_assertion.TYPE or assertion is None:
        raise client_assertion.refused("type")
    client_id = client_assertion.subject(assertion)
    if params.get("client_id") not in (None, client_id):
        raise OAuthError("invalid_request", "client_id differs from the client_assertion.")
    return Credentials(client_id, "private_key_jwt", assertion=assertion)


def _parse_basic(authorization: str, body_client_id: str | None) -> Credentials:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic" or len(authorization) > MAX_HEADER:
        raise _broken_header("not a Basic header")
    decoded = _decode(encoded.strip(" "))
    raw_id, colon, raw_secret = decoded.partition(":")
    client_id = unquote_plus(raw_id)
    if not colon or not client_id or "\0" in unquote_plus(decoded):
        raise _broken_header("no client_id and secret in it")
    if body_client_id not in (None, client_id, raw_id):
        raise OAuthError("invalid_request", "client_id differs from the Authorization header.")
    # RFC 6749 says form-encoded; several SDKs send the raw bytes. Either reading may be the secret.
    readings = dict.fromkeys((unquote_plus(raw_secret), raw_secret))
    return Credentials(client_id, "client_secret_basic", tuple(readings))


def _decode(encoded: str) -> str:
    try:
        octets = b64decode(encoded, validate=True)
        decoded = octets.decode()
    except (binascii.Error, ValueError):
        raise _broken_header("not base64 of UTF-8") from None
    if b64encode(octets).decode() != encoded:
        raise _broken_header("not the one base64 spelling")
    return decoded


def _refused(credentials: Credentials, detail: str) -> OAuthError:
    headers = _BASIC_CHALLENGE if credentials.method == "client_secret_basic" else ()
    return OAuthError(
        "invalid_client", "Client authentication failed.", detail=detail, headers=headers
    )


def _broken_header(detail: str) -> OAuthError:
    return OAuthError(
        "invalid_client",
        "The Authorization header is not valid for client authentication.",
        detail=detail,
        headers=_BASIC_CHALLENGE,
    )


def _two_methods() -> OAuthError:
    return OAuthError("invalid_request", "Only one client authentication method may be used.")

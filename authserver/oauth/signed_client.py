"""A client_id that is its own registration, signed, so that none is stored: RFC 7591 §3.2.1, A.5.2

Whoever made it says nothing of themselves that they could not say in any registration: what is
signed is only that this server saw it, and when. What it says is judged by the rules of the day on
which it is used.
"""

import binascii
import hashlib
import hmac
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field, replace

from authserver.oauth import client as clients
from authserver.oauth import strict_json
from authserver.oauth.client import Client, RegistrationPolicy
from authserver.oauth.errors import OAuthError

PREFIX = "mcps1."  # no other client_id that we choose begins so; the digit is the version
MAX_LENGTH = 1024

_SHAPE = re.compile(r"mcps1\.([0-9a-f]{8})\.([A-Za-z0-9_-]{1,965})\.([A-Za-z0-9_-]{43})")
_IMPLIED = frozenset(
    {"client_id", "client_id_issued_at", "token_endpoint_auth_method", "response_types"}
)


@dataclass(frozen=True, slots=True)
class ClientIdKeys:
    """MAC keys by key id: the first signs, all verify. Derived from the operator's secrets."""

    keys: tuple[tuple[str, bytes], ...] = field(repr=False)

    def find(self, kid: str) -> bytes | None:
        """Return the key of an id."""
        return next((key for each, key in self.keys if each == kid), None)


def is_signed(client_id: str) -> bool:
    """Say whether a client_id is meant as one of these; whether it is one, `find` says."""
    return client_id.startswith(PREFIX)


def issue(
    keys: ClientIdKeys, issuer: str, client: Client, *, nonce: str, now: int, expires_at: int
) -> Client:
    """Return a public client with its client_id; raises `invalid_client_metadata`.

    `nonce` tells two who register the same at the same moment from each other.
    """
    if client.token_endpoint_auth_method != "none":
        raise OAuthError(
            "invalid_client_metadata",
            "Only public clients register here: token_endpoint_auth_method must be none.",
        )
    content = {"iat": now, "exp": expires_at, "nonce": nonce, "metadata": _metadata(client)}
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    payload = _encode(text.encode())
    kid, key = keys.keys[0]
    client_id = f"{PREFIX}{kid}.{payload}.{_encode(_mac(key, issuer, kid, payload))}"
    if len(client_id) > MAX_LENGTH:
        raise OAuthError(
            "invalid_client_metadata",
            "The metadata is too long to be kept in a client_id: name fewer or shorter redirect "
            "URIs, scopes and links.",
        )
    return replace(client, client_id=client_id, registered_at=now)


def find(
    keys: ClientIdKeys, issuer: str, client_id: str, policy: RegistrationPolicy, now: int
) -> Client | None:
    """Return the client that an id describes, as today's rules allow it; None past its end.

    Its end is the one that it says, or the one that it would have today where that is earlier.
    """
    content = _verified(keys, issuer, client_id)
    if content is None:
        return None
    issued_at, expires_at, metadata = (content[name] for name in ("iat", "exp", "metadata"))
    if not (isinstance(issued_at, int) and isinstance(expires_at, int)):
        return None
    if now >= min(expires_at, issued_at + policy.unused_lifetime):
        return None
    return _parsed(metadata, client_id, issued_at, policy)


def today(client: Client, policy: RegistrationPolicy) -> Client | None:
    """Return a stored client as today's rules allow it, None where they do no more."""
    return _parsed(_metadata(client), client.client_id, client.registered_at, policy)


def _metadata(client: Client) -> dict[str, object]:
    """Return what a client says of itself, less what is the same for each of these."""
    members = clients.echo(client, ())
    if client.grant_types == clients.GRANT_TYPES:
        del members["grant_types"]
    return {name: value for name, value in members.items() if value and name not in _IMPLIED}


def _parsed(
    metadata: object, client_id: str, registered_at: int, policy: RegistrationPolicy
) -> Client | None:
    if not isinstance(metadata, dict):
        return None
    try:
        read = clients.parse(metadata, policy.of_those_here())
    except OAuthError:
        return None
    if read.token_endpoint_auth_method != "none":
        return None  # it would need a secret by now
    return replace(read, client_id=client_id, registered_at=registered_at)


def _verified(keys: ClientIdKeys, issuer: str, client_id: str) -> dict[str, object] | None:
    """Return the content of an id that we signed, with a key that is still held."""
    match = _SHAPE.fullmatch(client_id)
    key = None if match is None else keys.find(match[1])
    if match is None or key is None:
        return None
    kid, payload, mac = match.groups()
    if not hmac.compare_digest(_encode(_mac(key, issuer, kid, payload)), mac):
        return None
    try:
        return strict_json.parse_object(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (binascii.Error, ValueError):
        return None


def _mac(key: bytes, issuer: str, kid: str, payload: str) -> bytes:
    message = f"{PREFIX}\0{issuer}\0{kid}\0{payload}"
    return hmac.new(key, message.encode(), hashlib.sha256).digest()


def _encode(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()

"""A client that publishes itself at its client_id: CIMD draft -01 §3, §4.1, RFC 7591 §2.

The URL is judged as it is written, before anything parses it: parsers drop and fold what a
comparison must see.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from authserver.oauth import client, client_metadata
from authserver.oauth.client import Client, RegistrationPolicy
from authserver.oauth.client_assertion import ALGORITHMS
from authserver.oauth.errors import OAuthError
from authserver.oauth.strict_json import parse_object

PREFIX = "https://"
MAX_LENGTH = 512
MAX_BYTES = 10 * 1024
MIN_FRESH, MAX_FRESH = 300, 86400  # seconds, whatever its server says
STALE = 86400  # seconds more for grants that are there, while its server does not answer

# One spelling for each URL: lower-case names, no port but another than 443, a path, and neither
# query nor fragment. Percent-encodings only of what cannot be written otherwise, so no %2e or %2f.
_URL = re.compile(
    r"https://(?P<host>(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z][a-z0-9-]{0,61}[a-z0-9])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>/(?:[A-Za-z0-9._~!\x24&'()*+,;=:/-]|%[89A-F][0-9A-F])*)\Z"
)
_LOCAL_NAMES = frozenset({"local", "localhost", "internal", "intranet", "lan", "home", "corp"})
_METHODS = ("private_key_jwt", "none")  # the stronger first


@dataclass(frozen=True, slots=True)
class Publishers:
    """Which hosts may publish clients: every one but `denied`, or only `allowed`, of the public.

    A domain stands for itself and all below it. `private_hosts` (`host` or `host:port`) may lie
    inside.
    """

    enabled: bool = True
    allowed: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    private_hosts: frozenset[str] = frozenset()

    def admits(self, host: str, netloc: str) -> bool:
        """Say whether the host may publish clients here."""
        if _is_of(host, self.denied) or (self.allowed and not _is_of(host, self.allowed)):
            return False
        return netloc in self.private_hosts or (netloc == host and not _is_local(host))


@dataclass(frozen=True, slots=True)
class Described:
    """What a document says: the client, and its keys where they stand in the document itself."""

    client: Client
    jwks: Mapping[str, object] | None = None


def is_url(client_id: str) -> bool:
    """Say whether a client_id is meant as the address of a document: none of ours begins so."""
    return client_id.startswith(PREFIX)


def host_of(client_id: str) -> str | None:
    """Return the host that publishes a client, None for one that registered or is configured."""
    found = _URL.match(client_id)
    return found["host"] if found else None


def is_keys_url(uri: str) -> bool:
    """Say whether a `jwks_uri` has the form of a URL that may be fetched."""
    found = _URL.match(uri) if len(uri) <= MAX_LENGTH else None
    return found is not None and _is_plain(found["path"])


def admits_keys(uri: str, publishers: Publishers) -> bool:
    """Say whether keys may be fetched there: any public host has them, or one named as private."""
    found = _URL.match(uri)
    netloc = uri.removeprefix(PREFIX).partition("/")[0]
    if found is None:
        return False
    return netloc in publishers.private_hosts or (
        netloc == found["host"] and not _is_local(found["host"])
    )


def check_url(client_id: str, publishers: Publishers) -> str:
    """Return the host of a client_id that may be fetched; raises `invalid_client`."""
    found = _URL.match(client_id) if len(client_id) <= MAX_LENGTH else None
    if found is None or found["path"] == "/" or not _is_plain(found["path"]):
        raise _refused("client_id_url_malformed")
    netloc = client_id.removeprefix(PREFIX).partition("/")[0]
    if found["port"] == "443" or not publishers.admits(found["host"], netloc):
        raise _refused("client_id_host_not_admitted")
    return found["host"]


def parse(body: bytes, client_id: str, policy: RegistrationPolicy) -> Described:
    """Return the client that a document describes; raises `invalid_client`.

    What this server does not have is left out, as in a registration; secrets are refused.
    """
    try:
        document = parse_object(body)
    except ValueError:
        raise _refused("document_not_a_json_object") from None
    if document.get("client_id") != client_id:
        raise _refused("document_of_another_client_id")
    if any(name.startswith("client_secret") for name in document):
        raise _refused("document_with_a_secret")
    if not isinstance(document.get("client_name"), str):
        raise _refused("document_without_a_name")
    method = _method(document)
    try:
        read = client.parse({**document, "token_endpoint_auth_method": "none"}, policy)
    except OAuthError as error:
        raise _refused(f"document: {error.description}") from None
    described = replace(read, client_id=client_id, token_endpoint_auth_method=method)
    return Described(described) if method == "none" else _with_keys(described, document)


def fresh_for(max_age: int | None) -> int:
    """Return for how many seconds a document is used without being fetched again."""
    return MIN_FRESH if max_age is None else min(max(max_age, MIN_FRESH), MAX_FRESH)


def _method(document: Mapping[str, object]) -> client_metadata.AuthMethod:
    """Return how the client proves itself: what it says, or the best of what it offers."""
    said, offered = (
        document.get("token_endpoint_auth_method"),
        document.get("token_endpoint_auth_methods_supported"),
    )
    if said is None and isinstance(offered, list):
        said = next((each for each in _METHODS if each in offered), "")
    if said in (None, "none"):
        return "none"
    if said != "private_key_jwt":
        raise _refused("document_with_a_method_that_needs_a_secret")
    return "private_key_jwt"


def _with_keys(described: Client, document: Mapping[str, object]) -> Described:
    alg = document.get("token_endpoint_auth_signing_alg")
    if alg is not None and alg not in ALGORITHMS:
        raise _refused("document_with_another_algorithm")
    pinned = replace(described, token_endpoint_auth_signing_alg=None if alg is None else str(alg))
    uri, jwks = document.get("jwks_uri"), document.get("jwks")
    if isinstance(uri, str):
        if not is_keys_url(uri):
            raise _refused("document_with_an_unusable_jwks_uri")
        return Described(replace(pinned, jwks_uri=uri))
    if not isinstance(jwks, dict):
        raise _refused("document_without_keys")
    return Described(pinned, jwks)


def _is_plain(path: str) -> bool:
    """Say whether nobody reads a path as another one: no empty segments, none of dots."""
    segments = path.split("/")[1:]
    return "" not in segments[:-1] and not {".", ".."} & set(segments)


def _is_of(host: str, domains: Collection[str]) -> bool:
    return any(host == each or host.endswith(f".{each}") for each in domains)


def _is_local(host: str) -> bool:
    return host.rpartition(".")[2] in _LOCAL_NAMES


def _refused(detail: str) -> OAuthError:
    return OAuthError("invalid_client", "The client is not known.", detail=detail)

"""A client that publishes itself at its client_id: CIMD draft -01 §3, §4.1, RFC 7591 §2."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from authserver.oauth import client, client_metadata, identity_assertion, stranger_url
from authserver.oauth.client import Client, RegistrationPolicy
from authserver.oauth.errors import OAuthError
from authserver.oauth.stranger_url import StrangerUrl
from authserver.oauth.strict_json import parse_object

MAX_BYTES = 10 * 1024
MIN_FRESH, MAX_FRESH = 300, 86400  # seconds, whatever its server says
STALE = 86400  # seconds more for grants that are there, while its server does not answer

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

    def admits(self, url: StrangerUrl) -> bool:
        """Say whether the host may publish clients here, and the keys of those that register."""
        if (
            not self.enabled
            or _is_of(url.host, self.denied)
            or (self.allowed and not _is_of(url.host, self.allowed))
        ):
            return False
        return self.reaches(url)

    def reaches(self, url: StrangerUrl) -> bool:
        """Say whether something may be fetched there: it is public, or named as private."""
        return url.netloc in self.private_hosts or url.is_public_by_name


def is_url(client_id: str) -> bool:
    """Say whether a client_id is meant as the address of a document: none of ours begins so."""
    return client_id.startswith(stranger_url.PREFIX)


def host_of(client_id: str) -> str | None:
    """Return the host that publishes a client, None for one that registered or is configured."""
    found = stranger_url.parse(client_id)
    return found.host if found else None


def check_url(client_id: str, publishers: Publishers) -> str:
    """Return the host of a client_id that may be fetched; raises `invalid_client`."""
    found = stranger_url.parse(client_id)
    if found is None or found.path == "/":
        raise _refused("client_id_url_malformed")
    if not publishers.admits(found):
        raise _refused("client_id_host_not_admitted")
    return found.host


def parse(body: bytes, client_id: str, policy: RegistrationPolicy) -> Client:
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
        read = client.parse(
            {**document, "token_endpoint_auth_method": method},
            policy.of_those_here(),
            _further(method, policy),
        )
    except OAuthError as error:
        raise _refused(f"document: {error.description}") from None
    return replace(read, client_id=client_id, token_endpoint_auth_method=method)


def fresh_for(said: int | None) -> int:
    """Return for how many seconds a document is used without being fetched again.

    `said` is what its server says, None where it says nothing.
    """
    return MIN_FRESH if said is None else min(max(said, MIN_FRESH), MAX_FRESH)


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


def _further(method: client_metadata.AuthMethod, policy: RegistrationPolicy) -> tuple[str, ...]:
    """Return the grant for identity assertions, which a client with keys may have.

    The issuer of each assertion names the client: nobody gets anything by publishing alone.
    """
    if method == client_metadata.PRIVATE_KEY_JWT and policy.identity_assertions:
        return (identity_assertion.GRANT_TYPE,)
    return ()


def _is_of(host: str, domains: Collection[str]) -> bool:
    return any(host == each or host.endswith(f".{each}") for each in domains)


def _refused(detail: str) -> OAuthError:
    return OAuthError("invalid_client", "The client is not known.", detail=detail)

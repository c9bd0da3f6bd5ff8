"""What the provider says about itself: OpenID Connect Discovery 1.0 §3, §4; RFC 9207 §3"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from authserver.settings import OidcUpstream
from authserver.upstream.errors import UpstreamError, UpstreamUnavailable
from authserver.upstream.session import Deadline, UpstreamSession

# Judged before urlsplit, which drops tabs and line ends and folds case.
_PLAIN_URL = re.compile(
    r"https?://[A-Za-z0-9.\-]+(?::[0-9]{1,5})?|https?://\[[0-9a-f:]+\](?::\d+)?"
)
_URL_TAIL = re.compile(r"(?:[/?][!-\"$-\[\]-~]*)?\Z")


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """The provider's endpoints and promises, checked; None where it has no such endpoint."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    id_token_algs: tuple[str, ...] | None
    sends_iss: bool


def metadata_url(issuer: str) -> str:
    """Return where the issuer's metadata lives (Discovery §4.1: one trailing slash goes)."""
    return f"{issuer.removesuffix('/')}/.well-known/openid-configuration"


def fetch(settings: OidcUpstream, session: UpstreamSession, deadline: Deadline) -> ProviderMetadata:
    """Fetch and check the metadata; raises UpstreamUnavailable, or UpstreamError if it is wrong."""
    return parse(document(settings, session, deadline), settings.issuer)


def document(
    settings: OidcUpstream, session: UpstreamSession, deadline: Deadline
) -> dict[str, object]:
    """Fetch the metadata as it is; raises UpstreamUnavailable."""
    url = settings.discovery_url or metadata_url(settings.issuer)
    answer = session.get("discovery", url, deadline)
    if answer.status != 200:
        raise UpstreamUnavailable(f"discovery: the answer is {answer.status}")
    return answer.json_object()


def parse(document: Mapping[str, object], issuer: str) -> ProviderMetadata:
    """Check a metadata document against the configured issuer; raises UpstreamError."""
    if document.get("issuer") != issuer:
        said = repr(document.get("issuer"))[:200]
        raise UpstreamError("discovery_issuer_mismatch", f"the metadata names the issuer {said}")
    return ProviderMetadata(
        issuer=issuer,
        authorization_endpoint=_endpoint(document, "authorization_endpoint", issuer),
        token_endpoint=_endpoint(document, "token_endpoint", issuer),
        jwks_uri=_endpoint(document, "jwks_uri", issuer),
        userinfo_endpoint=(
            _endpoint(document, "userinfo_endpoint", issuer)
            if document.get("userinfo_endpoint") is not None
            else None
        ),
        id_token_algs=_names(document.get("id_token_signing_alg_values_supported")),
        sends_iss=document.get("authorization_response_iss_parameter_supported") is True,
    )


def is_loopback_http(url: str) -> bool:
    """Say whether a URL is plain http to this machine."""
    parts = urlsplit(url)
    if parts.scheme != "http":
        return False
    if parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def is_of_issuer(url: str, issuer: str) -> bool:
    """Say whether a URL of the metadata is of the same scheme, host and port as the issuer."""
    ours, theirs = urlsplit(issuer), urlsplit(url)
    return (ours.scheme, ours.netloc.lower()) == (theirs.scheme, theirs.netloc.lower())


def is_endpoint(url: object, issuer: str) -> bool:
    """Say whether a URL of the metadata may be used; see `parse`."""
    try:
        _endpoint({"url": url}, "url", issuer)
    except UpstreamError:
        return False
    return True


def _endpoint(document: Mapping[str, object], name: str, issuer: str) -> str:
    url = document.get(name)
    if not isinstance(url, str):
        raise UpstreamError("discovery_invalid", f"{name} is missing")
    start = _PLAIN_URL.match(url)
    if start is None or not _URL_TAIL.match(url, start.end()):
        raise UpstreamError("discovery_invalid", f"{name} is not a plain URL")
    # A public provider has no business on our loopback interface.
    if not url.startswith("https://") and not (is_loopback_http(url) and is_loopback_http(issuer)):
        raise UpstreamError("discovery_invalid", f"{name} is not https")
    return url


def _names(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list):
        return None
    return tuple(name for name in value if isinstance(name, str))

"""Resources (MCP servers), their names in requests, and their metadata: RFC 8707, RFC 9728."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from authserver.oauth import jwk
from authserver.oauth.allow import Allow
from authserver.oauth.errors import OAuthError

_URI = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?P<authority>(?:[A-Za-z0-9._~%-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?)"
    r"(?P<path>(?:/[^?#]*)?)(?P<query>(?:\?[^#]*)?)\Z"
)
MAX_SCOPES = 200  # of one resource: a user is shown them all, on one page
_PRINTABLE = re.compile(r"[\x21-\x7e]{1,2048}\Z")
_DEFAULT_PORT = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class Scope:
    """One scope of a resource: what it means in the operator's words, and whether it is sensitive.

    A sensitive scope is granted only where the client asks for it by name. `allow` says whose it
    is, of those whom the resource admits; None is everybody.
    """

    description: str
    sensitive: bool = False
    allow: Allow | None = None


UpstreamTokenUse = Literal["none", "exchange"]
Liveness = Literal["login-only", "refresh-checks-upstream"]


@dataclass(frozen=True, slots=True)
class Resource:
    """A protected resource; `url` is its identifier and, in this spelling, the token's `aud`.

    `allow` says who may use it, None is everybody who signs in. `claims` are what its tokens say
    about the user, as `claim.for_token` takes them. `upstream_token` says whether the users'
    upstream tokens are kept for its server, and `upstream_scopes` are asked for there just for it.
    `liveness` says whether the upstream is asked about the user before a refresh, `status_list`
    whether its tokens are on the list by which verifiers hear of revocations. One that is `retired`
    takes no new authorizations, while its grants run out. With `dpop_bound_access_tokens_required`
    it takes no bearer tokens.
    """

    key: str
    url: str
    name: str
    scopes: Mapping[str, Scope] = field(default_factory=dict)
    access_token_lifetime: int = 900
    documentation: str | None = None
    allow: Allow | None = None
    claims: tuple[str, ...] = ()
    upstream_token: UpstreamTokenUse = "none"
    upstream_scopes: tuple[str, ...] = ()
    liveness: Liveness = "login-only"
    status_list: bool = False
    retired: bool = False
    dpop_bound_access_tokens_required: bool = False

    @property
    def checks_upstream(self) -> bool:
        """Say whether the upstream is asked about the user before a refresh."""
        return self.liveness == "refresh-checks-upstream"

    @property
    def kept_scopes(self) -> tuple[str, ...] | None:
        """Return what its upstream tokens are to be good for, None where none are kept."""
        if self.upstream_token == "exchange" or self.checks_upstream:
            return self.upstream_scopes
        return None

    def default_scope(self) -> tuple[str, ...]:
        """Return the scopes granted where a request names none."""
        return tuple(name for name, scope in self.scopes.items() if not scope.sensitive)


def canonical(uri: str) -> str | None:
    """Return the form in which two spellings of one resource are equal, or None for no resource.

    Case of scheme and host, the default port and one slash at the end of the path do not matter;
    every other character does (no percent-decoding, no dot segments removed).
    """
    match = _URI.match(uri) if _PRINTABLE.match(uri) else None
    if match is None:
        return None
    scheme, path = match["scheme"].lower(), match["path"]
    authority = match["authority"].lower().removesuffix(_DEFAULT_PORT.get(scheme, "\0"))
    if not path.endswith("//"):  # two slashes are another resource, not twice one slash
        path = path.removesuffix("/")
    return f"{scheme}://{authority}{path}{match['query']}"


def find(resources: Iterable[Resource], presented: str) -> Resource | None:
    """Return the resource that a presented URI names."""
    wanted = canonical(presented)
    if wanted is None:
        return None
    return next((each for each in resources if canonical(each.url) == wanted), None)


def bind(resources: tuple[Resource, ...], presented: tuple[str, ...]) -> Resource:
    """Return the one resource of an authorization request; raises `invalid_target` (RFC 8707 §2).

    Absent means the only one configured. Several values must name the same resource, for an
    access token has a single audience.
    """
    open_ = tuple(each for each in resources if not each.retired)
    if not presented:
        if len(open_) == 1:
            return open_[0]
        raise OAuthError("invalid_target", "The parameter resource is missing.")
    first, *others = [find(open_, uri) for uri in presented]
    if first is None or any(other is not first for other in others):
        raise OAuthError("invalid_target", "The requested resource is not available.")
    return first


def narrow(bound_url: str, presented: tuple[str, ...]) -> str:
    """Check that a token request stays at the resource of its grant; raises `invalid_target`."""
    bound = canonical(bound_url)
    if any(bound is None or canonical(uri) != bound for uri in presented):
        raise OAuthError("invalid_target", "The requested resource is not part of the grant.")
    return bound_url


def metadata_url(resource_url: str) -> str:
    """Return where the metadata of a resource lives (RFC 9728 §3.1: inserted before the path)."""
    parts = urlsplit(resource_url)
    path = "" if parts.path == "/" else parts.path
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}/.well-known/oauth-protected-resource{path}{query}"


def protected_resource_metadata(
    resource: Resource, issuer: str, *, knows_dpop: bool = False
) -> dict[str, object]:
    """Return the metadata document of a resource (RFC 9728 §2); `knows_dpop` is of its server."""
    document: dict[str, object] = {
        "resource": resource.url,
        "authorization_servers": [issuer],
        "bearer_methods_supported": ["header"],
        "resource_name": resource.name,
    }
    if resource.scopes:
        document["scopes_supported"] = list(resource.scopes)
    if resource.dpop_bound_access_tokens_required:
        document["dpop_bound_access_tokens_required"] = True
    if knows_dpop or resource.dpop_bound_access_tokens_required:
        document["dpop_signing_alg_values_supported"] = list(jwk.ALGORITHMS)
    if resource.documentation:
        document["resource_documentation"] = resource.documentation
    return document

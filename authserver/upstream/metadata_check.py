"""Whether the provider's metadata and our configuration fit: OpenID Connect Discovery 1.0 §3"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from authserver.settings import OidcUpstream
from authserver.settings.presets import presets
from authserver.settings.upstream import TENANT
from authserver.upstream import authorization_request, discovery
from authserver.upstream.errors import UpstreamError

Document = Mapping[str, object]

_HS256 = (
    "let the provider sign with an asymmetric key (RS256, ES256); if it cannot, write "
    'id_token_algs = ["HS256"], which needs a client_secret of 32 bytes'
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What would fail at a sign-in, and what to do about it."""

    message: str
    remedy: str

    def __str__(self) -> str:
        """Return one line, and the remedy on a second one."""
        return f"{self.message}\n    -> {self.remedy}"


def endpoint_of(document: Document, name: str, issuer: str) -> str | None:
    """Return an endpoint that a sign-in would use, None where it would be refused."""
    url = document.get(name)
    return url if isinstance(url, str) and discovery.is_endpoint(url, issuer) else None


def judge(document: Document, upstream: OidcUpstream) -> Iterator[Finding]:
    """Find what would fail."""
    yield from _issuer(document, upstream)
    yield from _endpoints(document, upstream)
    yield from _request(document)
    yield from _algorithms(document, upstream)
    yield from _client_auth(document, upstream)


def remarks(document: Document, upstream: OidcUpstream) -> Iterator[str]:
    """Say what may be a mistake and may be none, because metadata need not say all."""
    if "code_challenge_methods_supported" not in document:
        yield "It does not say that it checks PKCE. It gets S256 with every request."
    known = _names(document, "scopes_supported")
    unknown = [s for s in authorization_request.scopes(upstream) if known and s not in known]
    if unknown:
        yield f"It does not list the scopes {', '.join(unknown)}."
    claims = _names(document, "claims_supported")
    if claims and upstream.subject_claim not in claims and upstream.subject_claim != "sub":
        yield (
            f"It does not list the claim {upstream.subject_claim}, by which users are known: "
            "an ID token without it signs nobody in."
        )
    if document.get("backchannel_logout_supported") is True:
        yield "It tells of logouts: register our issuer followed by /backchannel-logout there."
    methods = _names(document, "token_endpoint_auth_methods_supported")
    if upstream.client_auth == "none" and methods and "none" not in methods:
        yield "It does not list public clients (client_auth none)."


def _issuer(document: Document, upstream: OidcUpstream) -> Iterator[Finding]:
    said = document.get("issuer")
    if said == upstream.issuer:
        return
    if not isinstance(said, str):
        yield Finding("its metadata names no issuer", "name its issuer or discovery_url")
    elif TENANT in said:
        remedy = 'write the issuer with the id of your tenant, or preset = "entra-multitenant"'
        yield Finding(f"its metadata names the issuer {said}, for many tenants", remedy)
    else:
        remedy = f'write issuer = "{said}", to the letter, if that is your provider'
        yield Finding(f"its metadata names the issuer {said}, not {upstream.issuer}", remedy)


def _endpoints(document: Document, upstream: OidcUpstream) -> Iterator[Finding]:
    try:
        # As if the issuer were right: that it is not, is a finding of its own.
        found = discovery.parse({**document, "issuer": upstream.issuer}, upstream.issuer)
    except UpstreamError as error:
        known = presets().get(upstream.preset or "")
        hint = " ".join(known.notes) if known else ""
        yield Finding(f"its metadata is not usable: {error.detail}", hint or "ask who runs it")
        return
    if upstream.userinfo == "always" and found.userinfo_endpoint is None:
        remedy = 'write userinfo = "when-needed"'
        yield Finding('it has no userinfo endpoint, but userinfo = "always"', remedy)


def _request(document: Document) -> Iterator[Finding]:
    types = _names(document, "response_types_supported")
    if types and "code" not in types:
        remedy = "allow the authorization code flow for this client"
        yield Finding("it does not support response_type=code", remedy)
    methods = _names(document, "code_challenge_methods_supported")
    if methods is not None and "S256" not in methods:
        remedy = "let the provider accept the PKCE method S256, which is sent with every request"
        yield Finding("it lists PKCE methods without S256", remedy)


def _algorithms(document: Document, upstream: OidcUpstream) -> Iterator[Finding]:
    offered = _names(document, "id_token_signing_alg_values_supported")
    if offered is None or set(offered) & set(upstream.id_token_algs):
        return
    said = f"it signs ID tokens with {', '.join(offered) or 'nothing'}"
    accepted = ", ".join(upstream.id_token_algs)
    if "HS256" in offered:
        known = presets().get(upstream.preset or "")
        remedy = (known.hs256_remedy if known else "") or _HS256
    else:
        remedy = "add one of them to id_token_algs"
    yield Finding(f"{said}, and accepted is {accepted}", remedy)


def _client_auth(document: Document, upstream: OidcUpstream) -> Iterator[Finding]:
    methods = _names(document, "token_endpoint_auth_methods_supported")
    ours = upstream.client_auth
    if methods is not None and ours not in methods and ours != "none":
        able = ("client_secret_basic", "client_secret_post", "private_key_jwt")
        offered = [f'"{name}"' for name in able if name in methods]
        remedy = f"write client_auth = {' or '.join(offered)}" if offered else "ask who runs it"
        yield Finding(f"it does not support client_auth {ours}", remedy)
    algs = _names(document, "token_endpoint_auth_signing_alg_values_supported")
    key = upstream.client_key
    if key is not None and algs is not None and key.alg not in algs:
        remedy = f"write client_key_alg or use a key for one of: {', '.join(algs)}"
        yield Finding(f"it does not take assertions signed with {key.alg}", remedy)


def _names(document: Document, name: str) -> tuple[str, ...] | None:
    value = document.get(name)
    if not isinstance(value, list):
        return None
    return tuple(each for each in value if isinstance(each, str))

"""What a configuration means in effect, and where it is looser than the defaults; no secrets"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from authserver.oauth.allow import Allow
from authserver.oauth.redirect_uri import PRIVATE_SCHEMES
from authserver.oauth.resource import Resource
from authserver.settings import exchanges, fingerprint, kept_tokens, publishers
from authserver.settings.duration import text
from authserver.settings.upstream import OidcUpstream, Upstream
from authserver.settings.values import (
    PUBLISH_LEAD_TIME,
    ROTATION_INTERVAL,
    RateLimits,
    Settings,
    TokenLifetimes,
)

_LIFETIMES = (
    "access_token_lifetime",
    "authorization_code_lifetime",
    "refresh_idle_lifetime",
    "refresh_absolute_lifetime",
)
_LIMITS = (
    "register_per_address",
    "register_in_all",
    "authorize_per_address",
    "failures_per_client",
    "fetches_per_address",
    "fetches_per_host",
    "user_codes_per_address",
    "user_codes_in_all",
)


@dataclass(frozen=True, slots=True)
class Description:
    """Pairs of a name and what is in effect, and a sentence for each loosened default."""

    in_effect: tuple[tuple[str, str], ...]
    loosened: tuple[str, ...]

    def __str__(self) -> str:
        """Return it for people."""
        width = max(len(name) for name, _ in self.in_effect)
        lines = [f"{name:<{width}}  {value}" for name, value in self.in_effect]
        if self.loosened:
            lines += ["", "Looser than the defaults:", *(f"  - {each}" for each in self.loosened)]
        return "\n".join(lines)


def describe(settings: Settings) -> Description:
    """Return what an operator should see before the server starts."""
    return Description(tuple(_in_effect(settings)), tuple(_loosened(settings)))


def _in_effect(settings: Settings) -> Iterator[tuple[str, str]]:
    upstream, tokens = settings.upstream, settings.tokens
    yield "issuer", settings.issuer
    preset = f", preset {upstream.preset}" if upstream.preset else ""
    source = fingerprint.of(upstream).subject_source
    yield (
        "upstream",
        f"{upstream.issuer} as {upstream.client_id} ({upstream.client_auth}{preset})",
    )
    yield "users are known by", source
    yield "redirect URI there", settings.redirect_uri
    for resource in settings.resources:
        retired = ", retired: no new authorizations" if resource.retired else ""
        yield f"resource {resource.key}", f"{resource.url} ({_scopes(resource)}){retired}"
        yield from _policy(resource)
    yield from kept_tokens.in_effect(settings)
    yield from exchanges.in_effect(settings)
    yield "database", _without_secrets(settings.database_url)
    yield "sealing keys", ", ".join(key.kid for key in settings.sealing_keys)
    yield "signing", f"{settings.signing_alg}, a new key every {text(settings.rotation_interval)}"
    for name in _LIFETIMES:
        yield name.replace("_", " "), text(getattr(tokens, name))
    yield "tokens bound to keys", _binding(settings)
    yield "registration", _who_registers(settings)
    patterns = settings.registration.redirect.patterns
    yield "https redirect URIs", "as the patterns allow" if patterns else "any"
    yield from publishers.in_effect(settings)
    for name in _LIMITS:
        limit = getattr(settings.rate_limits, name)
        yield name.replace("_", " "), f"{limit} a minute" if limit else "no limit"
    yield "devices", "may ask, by a code" if settings.device_authorization else "may not ask"
    yield "trusted proxies", str(settings.trusted_proxies)
    yield "templates", str(settings.pages.templates or "ours")


def _loosened(settings: Settings) -> Iterator[str]:
    yield from _plain_http(settings)
    yield from _upstream(settings.upstream)
    yield from _lifetimes(settings)
    yield from _registration(settings)
    yield from publishers.loosened(settings)
    yield from _rate_limits(settings.rate_limits)
    for path in settings.exposed_files:
        yield f"{path}: others than its owner may read this secret; chmod 600 keeps them out"
    yield from kept_tokens.loosened(settings)
    yield from exchanges.loosened(settings)
    if settings.device_authorization:
        yield (
            "server.device_authorization: whoever talks a user into typing a code at /device gets "
            "what the user approves there"
        )
    if settings.trusted_proxies:
        yield (
            f"server.trusted_proxies: the last {settings.trusted_proxies} entries of "
            "X-Forwarded-For are believed; nobody may reach this server past the proxies"
        )


def _plain_http(settings: Settings) -> Iterator[str]:
    urls = {"issuer": settings.issuer, **_upstream_urls(settings.upstream)}
    urls |= {f"resources.{each.key}.url": each.url for each in settings.resources}
    for key, url in urls.items():
        if urlsplit(url).scheme == "http":
            yield f"{key}: http without TLS, good for this machine only"


def _upstream_urls(upstream: Upstream) -> dict[str, str]:
    if isinstance(upstream, OidcUpstream):
        return {"upstream.issuer": upstream.issuer}
    urls = {
        "upstream.authorization_endpoint": upstream.authorization_endpoint,
        "upstream.token_endpoint": upstream.token_endpoint,
        "upstream.userinfo_endpoint": upstream.userinfo_endpoint,
        "upstream.emails_endpoint": upstream.emails_endpoint,
    }
    return {key: url for key, url in urls.items() if url is not None}


def _upstream(upstream: Upstream) -> Iterator[str]:
    if upstream.client_auth == "none":
        yield 'upstream.client_auth: "none", so that PKCE alone protects the code'
    if isinstance(upstream, OidcUpstream) and "HS256" in upstream.id_token_algs:
        yield "upstream.id_token_algs: HS256, so that whoever knows the secret can sign ID tokens"


def _lifetimes(settings: Settings) -> Iterator[str]:
    default = TokenLifetimes()
    for name in _LIFETIMES:
        value, usual = getattr(settings.tokens, name), getattr(default, name)
        if value > usual:
            yield f"tokens.{name}: {text(value)} instead of {text(usual)}"
    for each in settings.resources:
        if each.access_token_lifetime > settings.tokens.access_token_lifetime:
            lifetime = text(each.access_token_lifetime)
            yield f"resources.{each.key}.access_token_lifetime: {lifetime}, longer than the others"
    if settings.rotation_interval > ROTATION_INTERVAL:
        yield f"keys.rotation_interval: {text(settings.rotation_interval)}"
    if settings.publish_lead_time < PUBLISH_LEAD_TIME:
        yield f"keys.publish_lead_time: {text(settings.publish_lead_time)}"


def _registration(settings: Settings) -> Iterator[str]:
    policy = settings.registration
    added = sorted(policy.redirect.private_schemes - PRIVATE_SCHEMES)
    if added:
        yield f"registration.private_schemes: also {', '.join(added)}"
    if policy.confidential_redirect_uris:
        yield (
            "registration.confidential_redirect_uris: secrets are given out to "
            + ", ".join(sorted(policy.confidential_redirect_uris))
        )
    if policy.default_client_scopes:
        names = ", ".join(policy.default_client_scopes)
        yield f"registration.default_client_scopes: every client may ask for {names}"


def _rate_limits(limits: RateLimits) -> Iterator[str]:
    default = RateLimits()
    for name in _LIMITS:
        value, usual = getattr(limits, name), getattr(default, name)
        if value == 0:
            yield f"rate_limits.{name}: no limit"
        elif value > usual:
            yield f"rate_limits.{name}: {value} instead of {usual}"
    if limits.trusted_egress:
        networks = ", ".join(map(str, limits.trusted_egress))
        yield f"rate_limits.trusted_egress: no limit per address for registrations from {networks}"


def _who_registers(settings: Settings) -> str:
    policy = settings.registration
    if not policy.enabled:
        return "closed"
    who = "with an initial access token" if policy.initial_access_token_digests else "open"
    return f"{who}, managed by the clients" if policy.management else who


def _binding(settings: Settings) -> str:
    if not settings.tokens.dpop:
        return "never"
    nonce = ", with a nonce of ours" if settings.tokens.dpop_nonce else ""
    bound = [each.key for each in settings.resources if each.dpop_bound_access_tokens_required]
    always = f"; always for {', '.join(bound)}" if bound else ""
    return f"where a client proves to hold one{nonce}{always}"


def _scopes(resource: Resource) -> str:
    names = [f"{name}, sensitive" if s.sensitive else name for name, s in resource.scopes.items()]
    return "; ".join(names) or "no scopes"


def _policy(resource: Resource) -> Iterator[tuple[str, str]]:
    everybody = "everybody who signs in"
    yield f"  who may use {resource.key}", _who(resource.allow) if resource.allow else everybody
    for name, scope in resource.scopes.items():
        if scope.allow:
            yield f"  who may have {name}", f"of these: {_who(scope.allow)}"
    if resource.claims:
        yield "  its tokens say", ", ".join(resource.claims)


def _who(allow: Allow) -> str:
    subjects = (f"{sub} of {issuer}" if issuer else sub for issuer, sub in allow.subjects)
    rules = (
        ("verified e-mail", (*(f"at {each}" for each in allow.email_domains), *allow.emails)),
        ("subject", tuple(subjects)),
        *((f"{path} has", tuple(wanted)) for path, wanted in allow.claims.items()),
    )
    return "; ".join(f"{name} {', or '.join(sorted(each))}" for name, each in rules if each)


def _without_secrets(url: str) -> str:
    """Return a database URL without password and without its query, which may hold another one."""
    if url.startswith("sqlite:"):
        return url
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

"""Where a configuration is looser than the defaults, key by key: no switch is thrown unseen"""

from collections.abc import Iterator

from authserver.oauth.client import RegistrationPolicy
from authserver.oauth.redirect_uri import PRIVATE_SCHEMES
from authserver.settings import exchanges, kept_tokens, publishers
from authserver.settings.duration import text
from authserver.settings.report import parties, plain_http
from authserver.settings.upstream import CLOCK_SKEW, OidcUpstream, Upstream
from authserver.settings.values import (
    PUBLISH_LEAD_TIME,
    ROTATION_INTERVAL,
    RateLimits,
    Settings,
    TokenLifetimes,
)

LIFETIMES = (
    "access_token_lifetime",
    "authorization_code_lifetime",
    "refresh_idle_lifetime",
    "refresh_absolute_lifetime",
)
KEPT = ("unused_lifetime", "idle_lifetime")
LIMITS = (
    "register_per_address",
    "register_in_all",
    "authorize_per_address",
    "pending_per_address",
    "failures_per_client",
    "fetches_per_address",
    "fetches_per_host",
    "user_codes_per_address",
    "user_codes_in_all",
)


def limits(settings: Settings) -> tuple[str, ...]:
    """Return the limits of what is switched on."""
    is_on = {"register": settings.registration.enabled, "user_codes": settings.device_authorization}
    off = tuple(name for name, on in is_on.items() if not on)
    return tuple(name for name in LIMITS if not name.startswith(off))


def loosened(settings: Settings) -> Iterator[str]:
    """Yield a sentence for each setting that is looser than its default, with its key first."""
    yield from plain_http.loosened(settings)
    yield from _upstream(settings.upstream)
    yield from _lifetimes(settings)
    yield from _registration(settings)
    yield from _registered(settings.registration)
    yield from publishers.loosened(settings)
    yield from _rate_limits(settings.rate_limits)
    for path in settings.exposed_files:
        yield f"{path}: others than its owner may read this secret; chmod 600 keeps them out"
    yield from kept_tokens.loosened(settings)
    yield from parties.loosened(settings)
    yield from exchanges.loosened(settings)
    if not settings.tokens.dpop:
        yield "tokens.dpop: false, so that clients with a key get tokens that anybody can use too"
    if settings.device_authorization:
        yield (
            "server.device_authorization: whoever talks a user into typing a code at /device gets "
            "what the user approves there"
        )
        if not settings.trusted_proxies and settings.issuer.startswith("https:"):
            yield (
                "server.trusted_proxies: 0, so that behind a proxy every device seems to ask from "
                "the proxy's address, and users see no fraud by it"
            )
    if settings.trusted_proxies:
        yield (
            f"server.trusted_proxies: the last {settings.trusted_proxies} entries of "
            "X-Forwarded-For are believed; nobody may reach this server past the proxies"
        )


def _upstream(upstream: Upstream) -> Iterator[str]:
    if upstream.client_auth == "none":
        yield 'upstream.client_auth: "none", so that PKCE alone protects the code'
    if not isinstance(upstream, OidcUpstream):
        return
    if "HS256" in upstream.id_token_algs:
        yield "upstream.id_token_algs: HS256, so that whoever knows the secret can sign ID tokens"
    if upstream.exchange_audiences:
        audiences = ", ".join(upstream.exchange_audiences)
        yield f"upstream.exchange_audiences: its tokens for {audiences} are exchanged too"
    if upstream.clock_skew > CLOCK_SKEW:
        yield f"upstream.clock_skew: {upstream.clock_skew} instead of {CLOCK_SKEW}"


def _lifetimes(settings: Settings) -> Iterator[str]:
    default = TokenLifetimes()
    for name in LIFETIMES:
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


def _registered(policy: RegistrationPolicy) -> Iterator[str]:
    for name in KEPT:
        value, usual = getattr(policy, name), getattr(RegistrationPolicy(), name)
        if value > usual:
            yield f"registration.{name}: {text(value)} instead of {text(usual)}"


def _rate_limits(limits: RateLimits) -> Iterator[str]:
    default = RateLimits()
    for name in LIMITS:
        value, usual = getattr(limits, name), getattr(default, name)
        if value == 0:
            yield f"rate_limits.{name}: no limit"
        elif value > usual:
            yield f"rate_limits.{name}: {value} instead of {usual}"
    if limits.trusted_egress:
        networks = ", ".join(map(str, limits.trusted_egress))
        yield f"rate_limits.trusted_egress: no limit per address for registrations from {networks}"

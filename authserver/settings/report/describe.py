"""What a configuration means in effect, and where it is looser than the defaults; no secrets"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from authserver.settings import exchanges, fingerprint, kept_tokens, publishers
from authserver.settings.duration import text
from authserver.settings.report import loosened, parties, policies
from authserver.settings.values import Settings


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
    return Description(tuple(_in_effect(settings)), tuple(loosened.loosened(settings)))


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
        yield from policies.in_effect(resource)
    yield from kept_tokens.in_effect(settings)
    yield from parties.in_effect(settings)
    yield from exchanges.in_effect(settings)
    yield "database", _without_secrets(settings.database_url)
    yield "sealing keys", ", ".join(key.kid for key in settings.sealing_keys)
    yield "signing", f"{settings.signing_alg}, a new key every {text(settings.rotation_interval)}"
    for name in loosened.LIFETIMES:
        yield name.replace("_", " "), text(getattr(tokens, name))
    yield "tokens bound to keys", _binding(settings)
    yield "registration", _who_registers(settings)
    for name in loosened.KEPT:
        yield f"registrations, {name.replace('_', ' ')}", text(getattr(settings.registration, name))
    patterns = settings.registration.redirect.patterns
    yield "https redirect URIs", "as the patterns allow" if patterns else "any"
    yield from publishers.in_effect(settings)
    for name in loosened.limits(settings):
        yield name.replace("_", " "), _limit(name, getattr(settings.rate_limits, name))
    yield "pushed requests", "at /par" if settings.pushed_authorization_requests else "not taken"
    yield "devices", "may ask, by a code" if settings.device_authorization else "may not ask"
    yield "offline_access", "listed" if tokens.advertise_offline_access else "tolerated, not listed"
    yield "trusted proxies", str(settings.trusted_proxies)
    yield "templates", str(settings.pages.templates or "ours")


def _limit(name: str, limit: int) -> str:
    if not limit:
        return "no limit"
    return f"{limit} at once" if name == "pending_per_address" else f"{limit} a minute"


def _who_registers(settings: Settings) -> str:
    policy = settings.registration
    if not policy.enabled:
        return "closed"
    ways = {
        "managed by the clients": policy.management,
        "shared by clients that say the same": policy.idempotent,
        "nothing stored before the first consent": policy.stateless,
    }
    who = "with an initial access token" if policy.initial_access_token_digests else "open"
    return ", ".join((who, *(way for way, is_on in ways.items() if is_on)))


def _binding(settings: Settings) -> str:
    if not settings.tokens.dpop:
        return "never"
    nonce = ", with a nonce of ours" if settings.tokens.dpop_nonce else ""
    bound = [each.key for each in settings.resources if each.dpop_bound_access_tokens_required]
    always = f"; always for {', '.join(bound)}" if bound else ""
    return f"where a client proves to hold one{nonce}{always}"


def _without_secrets(url: str) -> str:
    """Return a database URL without password and without its query, which may hold another one."""
    if url.startswith("sqlite:"):
        return url
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

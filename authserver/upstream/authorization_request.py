"""Where the browser is sent to sign in: RFC 6749 §4.1.1, RFC 7636 §4.3"""

from collections.abc import Mapping
from urllib.parse import urlencode

from authserver.oauth import pkce
from authserver.settings import OAuth2Upstream, Upstream


def url(
    settings: Upstream,
    endpoint: str,
    own: Mapping[str, str | None],
    code_verifier: str,
    kept_scopes: tuple[str, ...] | None,
) -> str:
    """Return the authorization request: what is configured, and `own` parameters over it."""
    optional = {name: value for name, value in own.items() if value is not None}
    offline = settings.offline_params if kept_scopes is not None else {}
    if "prompt" in offline and "prompt" in optional:
        optional["prompt"] = f"{optional['prompt']} {offline['prompt']}"
    query = {
        **settings.authorization_params,
        **offline,
        **optional,
        "response_type": "code",
        "client_id": settings.client_id,
        **_scope(settings, kept_scopes),
        "code_challenge": pkce.challenge(code_verifier),
        "code_challenge_method": "S256",
    }
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"


def scopes(settings: Upstream, kept_scopes: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """Return the scopes to ask for; with an OpenID provider always openid."""
    is_plain = isinstance(settings, OAuth2Upstream)
    first = () if is_plain else ("openid",)
    more = () if kept_scopes is None else (*kept_scopes, *settings.offline_scopes)
    return tuple(dict.fromkeys((*first, *settings.scopes, *more)))


def prompt(settings: Upstream, wanted: str | None) -> str | None:
    """Return the nearest prompt that the provider understands, None where it knows none."""
    if wanted is None or wanted in settings.prompts:
        return wanted
    return settings.prompts[0] if settings.prompts else None


def _scope(settings: Upstream, kept_scopes: tuple[str, ...] | None) -> dict[str, str]:
    joined = " ".join(scopes(settings, kept_scopes))
    name = settings.scope_parameter if isinstance(settings, OAuth2Upstream) else "scope"
    return {name: joined} if joined else {}

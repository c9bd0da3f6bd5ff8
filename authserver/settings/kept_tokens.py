"""For what upstream tokens are kept, and where a provider makes that loose"""

from collections.abc import Iterator

from authserver.settings.presets import presets
from authserver.settings.values import Settings


def in_effect(settings: Settings) -> Iterator[tuple[str, str]]:
    """Return for which resources upstream tokens are kept, and with which scopes of their own."""
    for resource in settings.resources:
        if resource.checks_upstream:
            yield f"liveness of {resource.key}", "the provider is asked at each refresh"
        if resource.upstream_token == "exchange":
            asked = " ".join(resource.upstream_scopes) or "no scope of its own"
            yield f"upstream tokens for {resource.key}", f"kept, sealed: {asked}"


def loosened(settings: Settings) -> Iterator[str]:
    """Return what weakens the separation of tokens, or how they are kept."""
    if settings.accept_plaintext:
        yield "keys.accept_plaintext: whoever can write to the database can plant upstream tokens"
    preset = presets().get(settings.upstream.preset or "")
    for resource in settings.resources:
        if resource.upstream_token == "exchange" and preset is not None and preset.shared_tokens:
            yield f"resources.{resource.key}.upstream_token: {preset.shared_tokens}"

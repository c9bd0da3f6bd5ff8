"""Which hosts may publish clients, as `config check` says it"""

from collections.abc import Iterator

from authserver.settings.values import Settings


def in_effect(settings: Settings) -> Iterator[tuple[str, str]]:
    """Return the pair that says it."""
    publishers = settings.publishers
    hosts = ", ".join(publishers.allowed) or "any public host"
    denied = f", but not {', '.join(publishers.denied)}" if publishers.denied else ""
    yield "clients published at", hosts + denied if publishers.enabled else "no host"


def loosened(settings: Settings) -> Iterator[str]:
    """Return a sentence for each host that may lie inside."""
    for host in sorted(settings.publishers.private_hosts):
        yield f"client_documents.private_hosts: {host} may lie in a private network"

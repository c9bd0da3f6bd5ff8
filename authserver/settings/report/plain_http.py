"""Which URLs of a configuration are http without TLS; the file takes them for loopback alone"""

from collections.abc import Iterator
from urllib.parse import urlsplit

from authserver.settings.upstream import OidcUpstream, Upstream
from authserver.settings.values import Settings

Urls = Iterator[tuple[str, str | None]]


def loosened(settings: Settings) -> Iterator[str]:
    """Return a sentence for each such URL."""
    for key, url in (*_own(settings), *_upstream(settings.upstream), *_elsewhere(settings)):
        if url is not None and urlsplit(url).scheme == "http":
            yield f"{key}: http without TLS, good for this machine only"


def _own(settings: Settings) -> Urls:
    yield "issuer", settings.issuer
    yield "server.authorization_endpoint_base_url", settings.authorization_endpoint_base_url
    for each in settings.resources:
        yield f"resources.{each.key}.url", each.url


def _upstream(upstream: Upstream) -> Urls:
    names: tuple[str, ...] = ("issuer", "discovery_url")
    if not isinstance(upstream, OidcUpstream):
        endpoints = ("authorization", "token", "userinfo", "emails")
        names = tuple(f"{name}_endpoint" for name in endpoints)
    for name in names:
        yield f"upstream.{name}", getattr(upstream, name)


def _elsewhere(settings: Settings) -> Urls:
    for issuer in settings.trusted_issuers:
        yield f"trusted_issuers.{issuer.name}.issuer", issuer.issuer
        yield f"trusted_issuers.{issuer.name}.jwks_uri", issuer.jwks_uri
    for service in settings.external_services:
        yield f"external_services.{service.name}.token_url", service.token_url
        yield f"external_services.{service.name}.resource", service.resource
    for server in settings.downstream_servers:
        yield f"downstream_servers.{server.name}.issuer", server.issuer
        for url in server.resources:
            yield f"downstream_servers.{server.name}.resources", url

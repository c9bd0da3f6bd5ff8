"""Serves the metadata of the protected resource, byte for byte. RFC 9728 §2, §3"""

import json
from urllib.parse import unquote, urlsplit

from authserver.oauth.resource import Resource, metadata_url, protected_resource_metadata
from authserver.resource_server.challenge import CORS, Answer

_ROOT = "/.well-known/oauth-protected-resource"
_PREFLIGHT = (
    *CORS,
    ("Access-Control-Allow-Methods", "GET"),
    # A wildcard covers every name but Authorization (Fetch §3.2.3).
    ("Access-Control-Allow-Headers", "*, Authorization"),
    ("Access-Control-Max-Age", "3600"),
)

_NOT_ALLOWED = (
    *CORS,
    ("Allow", "GET, HEAD, OPTIONS"),
    ("Content-Type", "text/plain"),
    ("Content-Length", "0"),
)


class MetadataDocument:
    """The document, made once: no framework can add a slash to the issuer in it."""

    def __init__(self, resource: Resource, issuer: str) -> None:
        self.url = metadata_url(resource.url)
        self.body = json.dumps(
            protected_resource_metadata(resource, issuer, knows_dpop=True)
        ).encode()
        path = unquote(urlsplit(self.url).path)
        self._paths = frozenset({path, f"{path}/", _ROOT})

    def is_at(self, path: str) -> bool:
        """Say whether a (decoded) path is one of those where clients look: inserted, or root."""
        return path in self._paths

    def answer(self, method: str) -> Answer:
        """Return the answer to a request for the document."""
        if method == "OPTIONS":
            return Answer(204, _PREFLIGHT)
        if method not in ("GET", "HEAD"):
            return Answer(405, _NOT_ALLOWED)
        headers = (
            *CORS,
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(self.body))),
            ("Cache-Control", "public, max-age=3600"),
        )
        return Answer(200, headers, self.body if method == "GET" else b"")

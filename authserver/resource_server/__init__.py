"""The kit for MCP servers: validates access tokens and tells clients where to get them.

Three lines protect a WSGI application (`protect_asgi` does the same for ASGI; `mcp_sdk` and
`fastmcp` fit the servers of those packages):

    guard = ResourceServer(issuer="https://auth.example.com",
                           resource="https://issues.example.com/mcp", scopes=["issues:read"])
    app = protect_wsgi(app, guard)

It imports nothing of this package but the protocol's values: no Flask, no database.
"""

from authserver.resource_server.asgi import protect_asgi
from authserver.resource_server.challenge import Answer
from authserver.resource_server.errors import InsufficientScope, InvalidToken, KeysUnavailable
from authserver.resource_server.guard import ResourceServer
from authserver.resource_server.possession import ProofCheck
from authserver.resource_server.verifier import AccessToken, Verifier
from authserver.resource_server.wsgi import protect_wsgi

__all__ = [
    "AccessToken",
    "Answer",
    "InsufficientScope",
    "InvalidToken",
    "KeysUnavailable",
    "ProofCheck",
    "ResourceServer",
    "Verifier",
    "protect_asgi",
    "protect_wsgi",
]

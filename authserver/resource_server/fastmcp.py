"""Fits the kit to servers of the FastMCP package. RFC 6750, RFC 9068, RFC 9728

    guard = ResourceServer(issuer=..., resource="https://issues.example.com/mcp", scopes=[...])
    server = FastMCP("Issues", auth=fastmcp_auth(guard))
    app = server.http_app()

`server.run(transport="http")` is protected alike. Inside, the tools find the token with FastMCP's
own `get_access_token()`.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from authserver.resource_server.asgi import ProtectedApplication
from authserver.resource_server.gate import Gate, PathScopes
from authserver.resource_server.guard import ResourceServer

try:
    from fastmcp.server.auth import AccessToken, TokenVerifier
    from starlette.middleware import Middleware
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from authserver.resource_server.mcp_sdk import token_verifier
except ImportError as error:
    raise ImportError("needs FastMCP: pip install fastmcp") from error


class FastMcpAuth(TokenVerifier):
    """FastMCP's auth provider: the kit's gate stands before FastMCP's own."""

    def __init__(self, guard: ResourceServer, gate: Gate) -> None:
        super().__init__(required_scopes=list(guard.required_scopes))
        self._guard = guard
        self._gate = gate
        self._verifier = token_verifier(guard)

    @property
    def scopes_supported(self) -> list[str]:
        """The scopes of the resource."""
        return list(self._guard.resource.scopes)

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return FastMCP's form of a valid token; raises KeysUnavailable, never a false None."""
        verified = await self._verifier.verify_token(token)
        return verified and AccessToken.model_validate(verified.model_dump())

    def get_middleware(self) -> list[Middleware]:
        """Return FastMCP's middleware with the gate before it."""
        return [Middleware(ProtectedApplication, gate=self._gate), *super().get_middleware()]

    def get_routes(self, mcp_path: str | None = None) -> list[Route]:  # noqa: ARG002  (FastMCP's)
        """Return the metadata's route, for the root of an application that mounts this server."""
        path = urlsplit(self._guard.metadata.url).path
        return [Route(path, self._metadata, methods=["GET", "HEAD", "OPTIONS"])]

    async def _metadata(self, request: Request) -> Response:
        answer = self._guard.metadata.answer(request.method)
        return Response(answer.body, answer.status, dict(answer.headers))


def fastmcp_auth(
    guard: ResourceServer,
    *,
    public: Iterable[str] = (),
    path_scopes: PathScopes | None = None,
) -> FastMcpAuth:
    """Return what `FastMCP(auth=...)` takes.

    `public` are paths of custom routes that need no token, `path_scopes` the scopes that a path and
    all below it need besides the guard's `required_scopes`.
    """
    return FastMcpAuth(guard, Gate.of(guard, public, path_scopes or {}))

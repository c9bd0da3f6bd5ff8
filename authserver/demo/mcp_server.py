"""A demo MCP server: the official SDK, protected by our kit. RFC 9728, RFC 6750, RFC 8707 §2.2."""

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from authserver.resource_server import ResourceServer, protect_asgi
from authserver.resource_server.asgi import ProtectedApplication
from authserver.resource_server.mcp_sdk import auth_settings, token_verifier

SCOPES = {
    "issues:read": "Read your issues",
    "issues:write": "Create and close issues",
}


def create_mcp_server(issuer: str, resource: str) -> ProtectedApplication:
    """Return the MCP server as an ASGI app; `resource` is its URL, which ends in /mcp."""
    guard = ResourceServer(issuer=issuer, resource=resource, scopes=SCOPES, name="Demo issues")
    server = MCPServer(
        "Demo issues", token_verifier=token_verifier(guard), auth=auth_settings(guard)
    )
    _add_tools(server)
    return protect_asgi(server.streamable_http_app(), guard)


def _add_tools(server: MCPServer) -> None:
    issues: list[str] = ["#1 The door squeaks (Grace)"]

    @server.tool()
    def whoami() -> str:
        """Say who the token is about and what it allows."""
        token = _token()
        return f"You are {token.subject}, through {token.client_id}: {' '.join(token.scopes)}"

    @server.tool()
    def list_issues() -> str:
        """List all issues."""
        _token("issues:read")
        return "; ".join(issues)

    @server.tool()
    def create_issue(title: str) -> str:
        """Create an issue with this title."""
        token = _token("issues:write")
        issues.append(f"#{len(issues) + 1} {title} ({token.subject})")
        return f"created {issues[-1]}"


def _token(*needed: str) -> AccessToken:
    """Return the access token of the request; raises ToolError where a scope was not granted."""
    token = get_access_token()
    if token is None:
        raise ToolError("This server was started without its guard.")
    missing = [scope for scope in needed if scope not in token.scopes]
    if missing:
        raise ToolError(f"This needs the scope {' '.join(missing)}, which was not allowed.")
    return token

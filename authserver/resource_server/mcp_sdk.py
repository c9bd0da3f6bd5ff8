"""Fits the kit to servers of the official MCP SDK for Python. RFC 6750, RFC 9068

    guard = ResourceServer(issuer=..., resource="https://issues.example.com/mcp", scopes=[...])
    server = MCPServer("Issues", token_verifier=token_verifier(guard), auth=auth_settings(guard))
    app = protect_asgi(server.streamable_http_app(), guard)

Serve `app`: the gate around it answers with the challenges and the metadata of the kit, before
those of the SDK (which has no `scope`, and an `error` where nothing went wrong). Inside it, the
tools find the token with the SDK's own `get_access_token()`.
"""

import asyncio

from authserver.resource_server.asgi import ADMITTED
from authserver.resource_server.errors import InvalidToken
from authserver.resource_server.guard import ResourceServer

try:
    from mcp.server.auth.provider import AccessToken
    from mcp.server.auth.settings import AuthSettings
except ImportError as error:
    raise ImportError("needs the MCP SDK: pip install 'authserver[mcp]'") from error


class SdkTokenVerifier:
    """The SDK's `TokenVerifier`: a token that is not valid for the resource is no token."""

    def __init__(self, guard: ResourceServer) -> None:
        self._guard = guard

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return the SDK's form of a valid token; raises KeysUnavailable, never a false None."""
        verified = ADMITTED.get()
        if verified is None or verified.token != token:
            if self._guard.challenger.dpop_required:
                return None  # only the gate sees proofs
            try:
                verified = await asyncio.to_thread(self._guard.verifier.verify, token)
            except InvalidToken:
                return None
        return AccessToken(
            token=token,
            client_id=verified.client_id,
            scopes=list(verified.scopes),
            expires_at=verified.expires_at,
            resource=verified.resource,
            subject=verified.subject,
            claims=dict(verified.claims),
        )


def token_verifier(guard: ResourceServer) -> SdkTokenVerifier:
    """Return what `MCPServer(token_verifier=...)` takes."""
    return SdkTokenVerifier(guard)


def auth_settings(guard: ResourceServer) -> AuthSettings:
    """Return what `MCPServer(auth=...)` takes."""
    return AuthSettings.model_validate(
        {
            # Strings, which the SDK keeps: a URL object would grow a slash where it has no path.
            "issuer_url": guard.issuer,
            "resource_server_url": guard.resource.url,
            "required_scopes": list(guard.required_scopes),
            # The verifier has compared the audience already, and to the letter.
            "validate_token_resource": False,
        }
    )

"""What the tests with the official Python SDK share: a client's storage, and a call of a tool."""

from typing import Any

import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client


class Nothing:
    """A client's storage, empty and forgetful."""

    async def get_tokens(self) -> None:
        return None

    async def set_tokens(self, tokens: Any) -> None:
        """Keep nothing."""

    get_client_info = get_tokens
    set_client_info = set_tokens


async def whoami(mcp_url: str, provider: Any) -> str:
    """Return what the MCP server says of the token, asked as the SDK's client asks for a tool."""
    async with (
        httpx2.AsyncClient(auth=provider, timeout=20, trust_env=False) as http,
        Client(streamable_http_client(mcp_url, http_client=http)) as client,
    ):
        answer = await client.call_tool("whoami")
    assert not answer.is_error
    return str(answer.content[0].text)

"""Users' upstream tokens, kept sealed for the MCP servers that ask for them: RFC 6749 §6."""

from authserver.vault.held import HeldTokens, find, keep
from authserver.vault.need import is_connected
from authserver.vault.upstream_token import NoUpstreamToken, UpstreamToken, upstream_token

__all__ = [
    "HeldTokens",
    "NoUpstreamToken",
    "UpstreamToken",
    "find",
    "is_connected",
    "keep",
    "upstream_token",
]

"""The demo: a development identity provider, a demo MCP server, and the walk-through of both."""

"""The demo MCP server as an ASGI application for docker-compose.yml: `uvicorn mcp_server:app`"""

import os

from authserver.demo.mcp_server import create_mcp_server

app = create_mcp_server(os.environ["ISSUER"], os.environ["RESOURCE"])

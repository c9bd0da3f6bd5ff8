"""Puts the authorization server into the application that hosts an MCP server: one origin.

    app = embed_wsgi(host, settings)  # Flask, Django, …
    app = embed_asgi(host, settings)  # Starlette, FastAPI, the MCP SDK; needs authserver[asgi]

What the issuer owns is answered here, what both could own the host is asked for first, and all
else is the host's (`authserver.embedding.ownership` says which is which). Both go outermost, around
a gate such as the kit's, for people and clients come here without a token.
"""

from authserver.embedding.asgi import embed_asgi
from authserver.embedding.wsgi import embed_wsgi

__all__ = ["embed_asgi", "embed_wsgi"]

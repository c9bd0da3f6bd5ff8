"""An embedded OAuth 2.1 authorization server for MCP servers

Importing this package loads nothing else: the kit for resource servers lives in it, and must not
bring Flask or SQLAlchemy into the server that uses it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from authserver.embedding import embed_asgi, embed_wsgi
    from authserver.web import create_app

__all__ = ["__version__", "create_app", "embed_asgi", "embed_wsgi"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:  # noqa: ANN401  (PEP 562: what it hands out is typed above)
    """`create_app`, `embed_asgi` and `embed_wsgi`, loaded when they are first asked for."""
    if name == "create_app":
        from authserver.web import create_app  # noqa: PLC0415  (the laziness is the point)

        return create_app
    if name in ("embed_asgi", "embed_wsgi"):
        from authserver import embedding  # noqa: PLC0415

        return getattr(embedding, name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)

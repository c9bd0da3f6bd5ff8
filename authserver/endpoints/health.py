"""GET /health: whether this instance can serve: its database answers and its schema is current."""

from authserver.app import AuthServer
from authserver.message import Request, Response, json_response
from authserver.oauth.errors import OAuthError


def health(server: AuthServer, request: Request) -> Response:
    """Say `ok`, or 503 with a fixed text; the upstream is no part of it, sign-in alone needs it."""
    if not server.store.schema_is_current():
        raise OAuthError(
            "temporarily_unavailable",
            "The database schema is behind: run authserver db upgrade.",
            detail="schema_behind",
        )
    server.keys.signing_alg(request.now)
    return json_response({"status": "ok"})

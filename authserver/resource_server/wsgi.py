"""Protects a WSGI application (Flask, Django). PEP 3333, RFC 6750 §3"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from authserver.resource_server.challenge import Answer
from authserver.resource_server.gate import ENVIRONMENT_KEY, Gate, PathScopes
from authserver.resource_server.guard import ResourceServer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def protect_wsgi(
    app: "WSGIApplication",
    guard: ResourceServer,
    *,
    public: Iterable[str] = (),
    path_scopes: PathScopes | None = None,
) -> "WSGIApplication":
    """Return the application behind a gate; it finds `environ["authserver.access_token"]`.

    `public` are paths that need no token, `path_scopes` the scopes that a path and all below it
    need besides the guard's `required_scopes`. A token that came with a proof reaches it as a
    bearer token: the proof was judged here.
    """
    gate = Gate.of(guard, public, path_scopes or {})

    def protected(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ.pop(ENVIRONMENT_KEY, None)
        result = gate.answer_or_judge(
            environ["REQUEST_METHOD"], _path(environ), list(_headers(environ))
        )
        if isinstance(result, Answer):
            phrase = HTTPStatus(result.status).phrase
            start_response(f"{result.status} {phrase}", list(result.headers))
            return [result.body]
        if result is not None:
            environ[ENVIRONMENT_KEY] = result
            if result.jkt is not None:
                environ.pop("HTTP_DPOP", None)
                environ["HTTP_AUTHORIZATION"] = f"Bearer {result.token}"
        return app(environ, start_response)

    return protected


def _path(environ: "WSGIEnvironment") -> str:
    raw = f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}"
    return raw.encode("latin-1").decode("utf-8", "replace")


def _headers(environ: "WSGIEnvironment") -> Iterable[tuple[str, str]]:
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            yield key[5:].lower().replace("_", "-"), value

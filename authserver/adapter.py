"""Flask to Request and Response for machine endpoints, and what all of them share: RFC 6749 §5."""

import logging
import secrets
from collections.abc import Callable

import flask
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from authserver.app import AuthServer
from authserver.keys import NoSigningKey
from authserver.message import Endpoint, Headers, Request, Response, json_response
from authserver.oauth import params
from authserver.oauth.errors import OAuthError
from authserver.sealing import UnknownKey
from authserver.storage.errors import StorageUnavailable

logger = logging.getLogger("authserver")

MAX_BODY = 64 * 1024
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_MEDIA_TYPE = {"form": "application/x-www-form-urlencoded", "json": "application/json"}
_NO_STORE: Headers = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
_SHARED: Headers = (("X-Content-Type-Options", "nosniff"),)
_CORS: Headers = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "WWW-Authenticate, DPoP-Nonce, Retry-After"),
)


def view(server: AuthServer, endpoint: Endpoint) -> Callable[..., flask.Response]:
    """Return the Flask view of a machine endpoint."""

    def respond(**_path_parts: str) -> flask.Response:
        request_id = new_request_id()
        response = _answer(server, endpoint, request_id)
        shared = (*_shared_headers(endpoint, response), ("X-Request-Id", request_id))
        headers = [*response.headers, *shared]
        return flask.Response(
            response.body, response.status, headers, content_type=response.media_type
        )

    return respond


def new_request_id() -> str:
    """Return a new id, the same in the answer, the audit event and the log."""
    return secrets.token_hex(8)


def peer_address() -> str:
    """Return the peer's address (what trusted proxies say of it, where any are configured)."""
    return flask.request.remote_addr or "unknown"


def unexpected(error: Exception, request_id: str) -> OAuthError:
    """Return what a client is told of an error that is no refusal; a bug is logged with its id."""
    if isinstance(error, StorageUnavailable):
        logger.error("storage unavailable (request %s)", request_id, exc_info=error)
        return OAuthError(
            "temporarily_unavailable",
            "The server is busy; try again.",
            detail="storage_unavailable",
            headers=(("Retry-After", "5"),),
        )
    if isinstance(error, (UnknownKey, NoSigningKey)):
        logger.error("not ready to sign (request %s): %s", request_id, error)
        return OAuthError(
            "temporarily_unavailable",
            "The server is not ready; try again later.",
            detail="unknown_sealing_key" if isinstance(error, UnknownKey) else "no_signing_key",
            headers=(("Retry-After", "60"),),
        )
    logger.error("unexpected error (request %s)", request_id, exc_info=error)
    return OAuthError("server_error", "The server met an unexpected condition.", detail="bug")


def _answer(server: AuthServer, endpoint: Endpoint, request_id: str) -> Response:
    now = server.clock()
    try:
        if flask.request.method == "OPTIONS" and endpoint.cors:
            return _preflight(endpoint)
        return endpoint.function(server, _read(endpoint, request_id, now))
    except OAuthError as error:
        refusal = error
    except Exception as error:  # noqa: BLE001 - the edge: whatever it is, the client gets JSON
        refusal = unexpected(error, request_id)
    server.audit.emit(
        "request.refused",
        now=now,
        request_id=request_id,
        endpoint=endpoint.path,
        error=refusal.code,
        reason=refusal.detail or refusal.description,
        address=peer_address(),
    )
    return json_response(refusal.members(), refusal.status, _refusal_headers(server, refusal, now))


def _refusal_headers(server: AuthServer, refusal: OAuthError, now: int) -> Headers:
    """Return the headers of a refusal: for want of a good proof, with the nonce that it needs."""
    if refusal.code != "invalid_dpop_proof" or not server.settings.tokens.dpop_nonce:
        return refusal.headers
    return (*refusal.headers, ("DPoP-Nonce", server.dpop_nonces.current(now)))


def _read(endpoint: Endpoint, request_id: str, now: int) -> Request:
    """Read the request in the order in which refusing is cheapest."""
    incoming = flask.request
    _check_method(endpoint)
    if "\0" in incoming.path:
        raise _bad("The path cannot be read.")
    if "Content-Encoding" in incoming.headers:
        raise _bad("Content-Encoding is not supported.", 415)
    if endpoint.body != "none" and incoming.method in ("POST", "PUT"):
        _check_media_type(endpoint)
    body = read_body()
    form = params.from_pairs(())
    if endpoint.body == "form" and incoming.method == "POST":
        if incoming.query_string:
            raise _bad("Parameters belong in the body, not in the query.")
        form = params.parse(body)
        form.check()
    return Request(
        id=request_id,
        method=incoming.method,
        path=incoming.path,
        headers={name.lower(): value for name, value in incoming.headers.items()},
        body=body,
        params=form,
        has_query=bool(incoming.query_string),
        address=peer_address(),
        now=now,
    )


def _check_method(endpoint: Endpoint) -> None:
    if flask.request.method not in endpoint.methods and not endpoint.closed:
        allow = ", ".join((*endpoint.methods, *(("OPTIONS",) if endpoint.cors else ())))
        raise OAuthError(
            "invalid_request",
            "This method is not allowed here.",
            status=405,
            headers=(("Allow", allow),),
        )


def _check_media_type(endpoint: Endpoint) -> None:
    media_type, _, rest = (flask.request.content_type or "").partition(";")
    charset = rest.replace(" ", "").replace('"', "").lower()
    if media_type.strip().lower() != _MEDIA_TYPE[endpoint.body]:
        raise _bad(f"The Content-Type must be {_MEDIA_TYPE[endpoint.body]}.")
    if charset not in ("", "charset=utf-8"):
        raise _bad("The charset must be UTF-8.")


def read_body() -> bytes:
    """Return the whole body of at most 64 KiB; raises `invalid_request` (400, 413)."""
    if (flask.request.content_length or 0) > MAX_BODY:
        raise _bad("The body is too large.", 413)
    try:
        body = flask.request.get_data(cache=True)
    except RequestEntityTooLarge:
        raise _bad("The body is too large.", 413) from None
    except HTTPException:
        raise _bad("The body cannot be read.") from None
    # Of a chunked body Werkzeug returns the beginning, as if that were all.
    if flask.request.content_length is None and len(body) >= MAX_BODY:
        raise _bad("The body is too large.", 413)
    if len(body) < (flask.request.content_length or 0):
        # The connection broke, and the server in front calls that the end of the input.
        raise _bad("The body is incomplete.")
    return body


def _preflight(endpoint: Endpoint) -> Response:
    return Response(
        204,
        headers=(
            (
                "Access-Control-Allow-Methods",
                ", ".join(dict.fromkeys((*endpoint.methods, "OPTIONS"))),
            ),
            (
                "Access-Control-Allow-Headers",
                "Authorization, Content-Type, DPoP, MCP-Protocol-Version",
            ),
            ("Access-Control-Max-Age", "86400"),
        ),
    )


def _shared_headers(endpoint: Endpoint, response: Response) -> Headers:
    cacheable = endpoint.cacheable and response.status in (200, 304)
    return (
        *_SHARED,
        *(() if cacheable else _NO_STORE),
        *(_CORS if endpoint.cors else ()),
    )


def _bad(description: str, status: int = 400) -> OAuthError:
    return OAuthError("invalid_request", description, status=status)

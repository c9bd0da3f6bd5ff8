"""The browser that owns a flow: our host, its cookies, the tokens of our forms: RFC 6265bis."""

import hashlib
import hmac
import re
from urllib.parse import urlsplit

import flask

from authserver.app import AuthServer
from authserver.endpoints.page_error import PageError
from authserver.oauth import opaque
from authserver.oauth.interaction import (
    PENDING_LIFETIME,
    SESSION_LIFETIME,
    PendingAuthorization,
)
from authserver.oauth.redirect_uri import LOOPBACK

BINDING_LIFETIME = 365 * 86400
_PORT = re.compile(r":[0-9]+\Z")


def check_is_opened() -> None:
    """Raise PageError (403) for what a page loads as its picture, in a frame, or in advance.

    Nobody sees it there, and each such request would count for the network of whoever visits it.
    """
    headers = flask.request.headers
    is_ahead = "prefetch" in f"{headers.get('Sec-Purpose')} {headers.get('Purpose')}".lower()
    if is_ahead or headers.get("Sec-Fetch-Dest", "document") != "document":
        raise PageError(
            403,
            "This page opens in a window of its own",
            "It was asked for as a part of another page. Start again in the application.",
            "not_a_document",
        )


def check_host(server: AuthServer) -> None:
    """Raise PageError (400) where the browser knows this server by a name that is not its own.

    Its cookies and its trust belong to the host of `pages_url`. Loopback is ours too: no name that
    a stranger holds, and what a proxy on this machine sends.
    """
    host, own = (_PORT.sub("", each).lower() for each in (flask.request.host, _netloc(server)))
    if host != own and host not in LOOPBACK:
        raise PageError(
            400,
            "This server has another address",
            "The page was asked for under a name that is not this server's. "
            "Whoever runs it: the proxy in front has to pass on the Host header.",
            "foreign_host",
        )


def binding(server: AuthServer) -> str | None:
    """Return the value of this browser's binding cookie."""
    return flask.request.cookies.get(_name(server, "browser")) or None


def binding_for(server: AuthServer, pending: PendingAuthorization) -> str | None:
    """Return this browser's binding value that owns a pending authorization, None where none does.

    It is the browser's one cookie; but of two first requests at once only one can set that, so
    each also has a short-lived cookie of its own.
    """
    for kind in ("browser", _first_visit(pending)):
        value = flask.request.cookies.get(_name(server, kind))
        if value and hmac.compare_digest(opaque.digest(value), pending.binding_digest):
            return value
    return None


def session_value(server: AuthServer) -> str | None:
    """Return the value of this browser's session cookie."""
    return flask.request.cookies.get(_name(server, "session")) or None


def set_binding(server: AuthServer, response: flask.Response, value: str) -> None:
    """Give the browser its binding cookie; a login does not change it."""
    _set(server, response, "browser", value, BINDING_LIFETIME)


def set_first_binding(
    server: AuthServer, response: flask.Response, value: str, pending: PendingAuthorization
) -> None:
    """Give a browser that came without one its binding cookie, and this request its own."""
    set_binding(server, response, value)
    _set(server, response, _first_visit(pending), value, PENDING_LIFETIME)


def set_session(server: AuthServer, response: flask.Response, value: str) -> None:
    """Give the browser a session cookie, new at each login."""
    _set(server, response, "session", value, SESSION_LIFETIME)


def clear_session(server: AuthServer, response: flask.Response) -> None:
    """Take the session cookie away."""
    _set(server, response, "session", "", 0)


def csrf_token(binding_value: str, *purpose: str) -> str:
    """Return the token of one form: only this browser's pages can carry it."""
    return opaque.derive(binding_value, "csrf", *purpose)


def csrf_matches(binding_value: str, presented: str | None, *purpose: str) -> bool:
    """Say whether a posted token belongs to this browser and form."""
    expected = csrf_token(binding_value, *purpose)
    return hmac.compare_digest(expected.encode(), (presented or "").encode("utf-8", "replace"))


def _name(server: AuthServer, kind: str) -> str:
    # Cookies are shared by all ports and paths of a host: the issuer keeps two servers apart.
    mark = hashlib.sha256(server.issuer.encode()).hexdigest()[:8]
    prefix = "__Host-" if _is_secure(server) else ""
    return f"{prefix}authserver-{mark}-{kind}"


def _netloc(server: AuthServer) -> str:
    return urlsplit(server.pages_url).netloc


def _first_visit(pending: PendingAuthorization) -> str:
    return f"first-{pending.id[:12]}"


def _is_secure(server: AuthServer) -> bool:
    return server.pages_url.startswith("https://")


def _set(
    server: AuthServer, response: flask.Response, kind: str, value: str, lifetime: int
) -> None:
    response.set_cookie(
        _name(server, kind),
        value,
        max_age=lifetime,
        path="/",
        secure=_is_secure(server),
        httponly=True,
        samesite="Lax",
    )

"""create_app: builds the server, lists its endpoints, mounts them in one Flask application."""

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import flask
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from authserver import adapter, page_view
from authserver.app import AuthServer, Clock
from authserver.audit import Audit, to_stdout
from authserver.build import build
from authserver.endpoints import (
    authorize,
    backchannel_logout,
    callback,
    client_configuration,
    consent,
    device,
    device_authorization,
    discovery,
    pages,
    par,
    register,
    sign_in,
    status_list,
    switched_off,
    token_batch,
)
from authserver.endpoints.health import health
from authserver.endpoints.introspect import introspect
from authserver.endpoints.revoke import revoke
from authserver.endpoints.token import token
from authserver.endpoints.userinfo import userinfo
from authserver.message import Endpoint
from authserver.page_view import Page
from authserver.settings import Settings
from authserver.upkeep import Upkeep
from authserver.upstream.bulkhead import DEFAULT_CALLS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PAGES: tuple[tuple[str, str, Page], ...] = (
    ("/authorize", "GET", authorize.authorize),
    ("/sign-in", "GET", sign_in.show),
    ("/sign-in", "POST", sign_in.post),
    ("/callback", "GET", callback.callback),
    ("/consent", "GET", consent.show),
    ("/consent", "POST", consent.post),
)
DEVICE_PAGES: tuple[tuple[str, str, Page], ...] = (
    ("/device", "GET", device.show),
    ("/device", "POST", device.post),
)
_CLOSED = "closed"
Answers = Literal["something", "that it is off"] | None
ROOT_ALIASES = ("/authorize", "/token", "/register")  # for clients that ignore the metadata


def create_app(
    settings: Settings,
    *,
    clock: Clock = lambda: int(time.time()),
    audit: Audit | None = None,
    upkeep: bool = True,
    prepared: bool = False,
    upstream_calls: int = DEFAULT_CALLS,
) -> flask.Flask:
    """Return the WSGI application of one server; `upkeep` cleans up in the background.

    `prepared` says that the database was made ready before; `upstream_calls` is how many threads
    may wait for the identity provider at once: at most half of what the process has.
    It answers at the issuer's full path, also where a host application mounts it under a prefix.
    """
    server = build(
        settings,
        clock=clock,
        audit=audit or Audit(to_stdout),
        prepared=prepared,
        upstream_calls=upstream_calls,
    )
    pages.check(settings.pages.templates, devices=settings.device_authorization)
    app = flask.Flask("authserver", static_folder=None)
    app.url_map.merge_slashes = False  # a redirect of a POST would post secrets again
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = adapter.MAX_BODY
    app.extensions["authserver"] = server
    machine = {endpoint.path: endpoint for endpoint in reversed(endpoints(server))}
    for endpoint in machine.values():
        _mount_machine(app, server, endpoint)
    for path, method, page in (*PAGES, *(DEVICE_PAGES if settings.device_authorization else ())):
        for prefix in _page_prefixes(server, path):
            _mount_page(app, server, prefix + path, method, page)
    app.register_error_handler(HTTPException, page_view.http_error(server, machine))
    wrapped = _full_path(_proxied(app.wsgi_app, settings.trusted_proxies))
    app.wsgi_app = wrapped  # type: ignore[assignment,method-assign]  # as Flask's docs say
    if upkeep:
        app.before_request(Upkeep(server).start_once)
    return app


def answers_at(app: flask.Flask, path: str) -> Answers:
    """Return what an application of ours answers at a full path, None where it has nothing."""
    routes = app.url_map.bind("")
    if not routes.allowed_methods(path):
        return None
    try:
        endpoint, _ = routes.match(path, "GET")
    except HTTPException:
        return "something"
    return "that it is off" if endpoint.startswith(_CLOSED) else "something"


def endpoints(server: AuthServer) -> list[Endpoint]:
    """Return every machine endpoint; a path listed twice belongs to the first."""
    mounted = [
        Endpoint("/token", ("POST",), token, body="form"),
        Endpoint("/revoke", ("POST",), revoke, body="form"),
        Endpoint("/introspect", ("POST",), introspect, body="form", cors=False),
        Endpoint("/userinfo", ("GET", "POST"), userinfo),
        Endpoint("/health", ("GET", "HEAD"), health, cors=False),
        *register.endpoints(server),
        *client_configuration.endpoints(server),
        *par.endpoints(server),
        *device_authorization.endpoints(server),
        *token_batch.endpoints(server),
        *status_list.endpoints(server),
        *backchannel_logout.endpoints(server),
    ]
    placed = [
        replace(each, path=prefix + each.path)
        for each in (*mounted, *switched_off.endpoints(mounted))
        for prefix in _prefixes(server, each.path)
    ]
    below = {"", discovery.issuer_path(server.issuer)}
    unknown = [f"{each}/.well-known/{rest}" for each in below for rest in ("", "<path:rest>")]
    return [
        *placed,
        *discovery.endpoints(server),
        *(Endpoint(path, ("GET", "HEAD"), discovery.unknown) for path in unknown),
    ]


def _prefixes(server: AuthServer, path: str) -> tuple[str, ...]:
    prefix = discovery.issuer_path(server.issuer)
    return (prefix, "") if prefix and path in ROOT_ALIASES else (prefix,)


def _page_prefixes(server: AuthServer, path: str) -> tuple[str, ...]:
    aliases = _prefixes(server, path) if path in ROOT_ALIASES else ()
    return tuple(dict.fromkeys((urlsplit(server.pages_url).path, *aliases)))


def _mount_machine(app: flask.Flask, server: AuthServer, endpoint: Endpoint) -> None:
    app.add_url_rule(
        endpoint.path,
        f"{_CLOSED if endpoint.closed else 'machine'} {endpoint.path}",
        adapter.view(server, endpoint),
        methods=adapter.METHODS,
        provide_automatic_options=False,
    )


def _mount_page(app: flask.Flask, server: AuthServer, path: str, method: str, page: Page) -> None:
    view = page_view.view(server, method, page)
    app.add_url_rule(
        path, f"{method} {path}", view, methods=[method], provide_automatic_options=False
    )


def _proxied(app: "WSGIApplication", trusted_proxies: int) -> "WSGIApplication":
    """Believe the configured number of proxies about the client's address, and nothing else."""
    if not trusted_proxies:
        return app
    return ProxyFix(app, x_for=trusted_proxies, x_proto=0, x_host=0, x_port=0, x_prefix=0)


def _full_path(app: "WSGIApplication") -> "WSGIApplication":
    """Put the prefix of a mounting host back: routes match the issuer's full path."""

    def respond(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        prefix = environ.get("SCRIPT_NAME", "")
        if prefix:
            path = prefix + environ.get("PATH_INFO", "")
            environ = {**environ, "SCRIPT_NAME": "", "PATH_INFO": path}
        return app(environ, start_response)

    return respond

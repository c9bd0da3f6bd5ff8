"""How an authorization response reaches the client: OAuth 2.1 §4.1.2, §7.13.2, RFC 9207."""

import flask

from authserver.app import AuthServer
from authserver.endpoints import pages
from authserver.oauth import redirect_uri
from authserver.oauth.authorization import response_url
from authserver.oauth.client import Client
from authserver.oauth.errors import OAuthError
from authserver.oauth.interaction import is_assured


def send(
    server: AuthServer,
    client: Client,
    redirect_uri_: str,
    state: str | None,
    members: dict[str, str],
    request_id: str,
) -> flask.Response:
    """Send the browser back: 303 to https and loopback, a page with a link to an app's scheme.

    Chrome applies rules of the page with the form to the whole redirect chain and some browsers
    ask before they open an app: a visible link always works.
    """
    target = response_url(redirect_uri_, server.issuer, state, members)
    uri = redirect_uri.parse(redirect_uri_)
    if uri.kind != "private":
        return pages.see_other(target)
    return pages.render(
        server,
        "continue.html",
        page_title="Almost done",
        request_id=request_id,
        target=target,
        client_name=client.display_name,
        redirect_host=uri.display,
        approved="code" in members,
        auto=True,
    )


def refuse(
    server: AuthServer,
    client: Client,
    redirect_uri_: str,
    state: str | None,
    error: OAuthError,
    request_id: str,
    now: int,
    *,
    trusted: bool = False,
) -> flask.Response:
    """Answer with an error: back to an assured or local client, else a page with a link.

    A stranger's client must not make us redirect a visitor who has decided nothing yet.
    `trusted` says that the user decided, now or earlier.
    """
    server.audit.emit(
        "authorization.refused",
        now=now,
        request_id=request_id,
        client_id=client.client_id,
        error=error.code,
        reason=error.detail or error.description,
    )
    uri = redirect_uri.parse(redirect_uri_)
    if trusted or uri.kind == "loopback" or is_assured(client, redirect_uri_):
        return send(server, client, redirect_uri_, state, error.members(), request_id)
    target = response_url(redirect_uri_, server.issuer, state, error.members())
    return pages.render(
        server,
        "error.html",
        status=400,
        page_title="The request cannot be continued",
        request_id=request_id,
        heading="The request cannot be continued",
        message=error.description,
        hints=[],
        client_link={"host": uri.display, "href": target},
        retry_href=None,
    )


def to_device(
    server: AuthServer, client: Client, request_id: str, *, approved: bool
) -> flask.Response:
    """Send the user back to their device, which asks for its answer itself: RFC 8628 §3.3."""
    return pages.render(
        server,
        "device_done.html",
        page_title="Return to your device",
        request_id=request_id,
        client_name=client.display_name,
        approved=approved,
    )

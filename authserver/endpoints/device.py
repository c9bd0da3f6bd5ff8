"""GET and POST /device: the user types the code that a device shows: RFC 8628 §3.3, §5.1."""

from collections.abc import Iterator
from contextlib import contextmanager

import flask

from authserver.adapter import peer_address
from authserver.app import AuthServer
from authserver.endpoints import browser, clients, flow, forms, on_their_way, pages, steps
from authserver.endpoints.page_error import PageError
from authserver.oauth import opaque
from authserver.oauth.client_metadata import DEVICE_CODE
from authserver.oauth.device_authorization import DeviceAuthorization
from authserver.oauth.errors import OAuthError
from authserver.oauth.interaction import PENDING_LIFETIME, PendingAuthorization

_FORM = "device"
# One sentence for a code that was never given out, has expired, or was used.
_NOT_GOOD = "This code is wrong, has expired, or was used already. Check what your device shows."


def show(server: AuthServer, request_id: str, now: int) -> flask.Response:
    """Show where the code is typed. Nothing in a link fills it in."""
    known = browser.binding(server)
    binding = known or opaque.random_value()
    response = _page(server, binding, request_id)
    if known is None:
        browser.set_binding(server, response, binding)
    return response


def post(server: AuthServer, request_id: str, now: int) -> flask.Response:
    """Find the request of a typed code, and go on with it as with one of this browser's."""
    form = forms.read()
    binding = browser.binding(server)
    if binding is None or not browser.csrf_matches(binding, form.get("csrf_token"), _FORM):
        raise _foreign_form(server)
    with _slowed_down(server):
        # Before anything is looked up, and for right codes too: else who guesses would only be
        # told less often, and still get in with the right guess.
        server.limiter.check_user_code(peer_address(), opaque.digest(binding))
    device = _find(server, form.get("user_code"), now)
    if device is None:
        server.audit.emit(
            "device.code_refused", now=now, request_id=request_id, address=peer_address()
        )
        return _page(server, binding, request_id, problem=_NOT_GOOD)
    return _begin(server, device, binding, request_id, now)


def _find(server: AuthServer, typed: str | None, now: int) -> DeviceAuthorization | None:
    digests = server.user_codes.digests(typed)
    with server.store.read() as reads:
        device = reads.device_of_user_code(digests)
        if device is None or not device.is_open(now):
            return None
        client = clients.known(server, reads, device.request.client_id, device.created_at)
    return device if client is not None and DEVICE_CODE in client.grant_types else None


def _begin(
    server: AuthServer, device: DeviceAuthorization, binding: str, request_id: str, now: int
) -> flask.Response:
    """Begin the authorization; the code stays good until somebody decides, or it expires."""
    pending = PendingAuthorization(
        id=opaque.random_value(),
        request=device.request,
        binding_digest=opaque.digest(binding),
        network_digest=on_their_way.network_digest(peer_address()),
        epochs=device.epochs,
        created_at=now,
        expires_at=min(now + PENDING_LIFETIME, device.expires_at),
        device_digest=device.digest,
    )
    with _slowed_down(server), server.store.write() as tx:
        on_their_way.check(server, tx, peer_address(), now)
        tx.add_pending(pending)
    server.audit.emit(
        "device.code_entered",
        now=now,
        request_id=request_id,
        client_id=device.request.client_id,
        resource=device.request.resource,
        address=peer_address(),
        device_address=device.address,
    )
    with server.store.read() as reads:
        begun = flow.complete(server, reads, pending, binding, request_id, now)
    return steps.advance(server, begun)


def _foreign_form(server: AuthServer) -> PageError:
    return PageError(
        403,
        "This page cannot be continued",
        "The form was not sent from the page that was shown in this browser.",
        "csrf",
        hints=(
            "Start again, and type the code there. Your browser has to keep this site's cookies.",
            "If a link or another site brought you here, close this page.",
        ),
        retry_href=_href(server),
    )


@contextmanager
def _slowed_down(server: AuthServer) -> Iterator[None]:
    """Say on a page what a user can do who meets a limit."""
    try:
        yield
    except OAuthError as error:
        raise PageError(
            error.status,
            "This cannot be done now",
            "Too many requests came from this browser or its network, or from all together.",
            error.detail or error.code,
            error.headers,
            hints=(
                "Wait a minute, then start again: the code stays good while your device shows it.",
                "If your device shows another code by then, type that one.",
            ),
            retry_href=_href(server),
        ) from None


def _href(server: AuthServer) -> str:
    return f"{server.pages_url}/device"


def _page(
    server: AuthServer, binding: str, request_id: str, problem: str | None = None
) -> flask.Response:
    return pages.render(
        server,
        "device.html",
        status=200 if problem is None else 400,
        # Read out first: without it the page seems to be the one that was just left.
        page_title="Connect a device" if problem is None else "Error: Connect a device",
        request_id=request_id,
        action=_href(server),
        csrf=browser.csrf_token(binding, _FORM),
        error=problem,
    )

"""GET /authorize: checked in order, a request becomes a pending authorization: OAuth 2.1 §4.1."""

import flask

from authserver.adapter import peer_address
from authserver.app import AuthServer
from authserver.endpoints import (
    answers,
    browser,
    clients,
    forms,
    on_their_way,
    pages,
    proof_of_possession,
    steps,
)
from authserver.endpoints import flow as flows
from authserver.endpoints.flow import Flow
from authserver.endpoints.page_error import PageError
from authserver.oauth import authorization, epoch, opaque, pushed_request
from authserver.oauth import redirect_uri as redirect_uris
from authserver.oauth.authorization import AuthorizationRequest
from authserver.oauth.client import Client
from authserver.oauth.errors import OAuthError
from authserver.oauth.interaction import PENDING_LIFETIME, Answer, PendingAuthorization, Refuse
from authserver.oauth.params import Params
from authserver.oauth.pushed_request import PushedRequest
from authserver.storage.store import Transaction

_UNPUBLISHED = "This application could not be checked"
_WHY = (
    "It says who it is at an address of its own, which does not answer at the moment or does not "
    "describe it. Try again in a few minutes; if that does not help, tell those who make it."
)
_CANNOT = "The application sent a request that cannot be answered"


def authorize(server: AuthServer, request_id: str, now: int) -> flask.Response:
    """Check the request: client, redirect URI, then all that the client may be told about."""
    browser.check_is_opened()
    server.limiter.check_authorize(peer_address())
    received = forms.query(_CANNOT)
    client = _find_client(server, received, request_id, now)
    if client is None:
        return _unknown_client(server, request_id, now)
    if server.settings.pushed_authorization_requests and pushed_request.is_reference(
        received.get("request_uri")
    ):
        return _pushed(server, received, client, request_id, now)
    try:
        redirect_uri = authorization.find_redirect_uri(received, client)
    except OAuthError as error:
        raise PageError(400, _CANNOT, error.description, "redirect_uri_not_proven") from None
    try:
        authorization.check_need_not_push(
            client, offered=server.settings.pushed_authorization_requests
        )
        proof_of_possession.check_request(server, received)
        request = authorization.parse_request(
            received, client, redirect_uri, server.settings.resources
        )
    except OAuthError as error:
        state = authorization.state_of(received)
        return answers.refuse(server, client, redirect_uri, state, error, request_id, now)
    return _begin(server, request, request_id, now)


def _find_client(server: AuthServer, received: Params, request_id: str, now: int) -> Client | None:
    client_id = received.get("client_id")
    if client_id is None or "client_id" in received.repeated:
        return None
    try:
        return clients.asking(server, client_id, peer_address(), request_id, now)
    except OAuthError as error:
        if error.status == 429:
            raise
        raise PageError(400, _UNPUBLISHED, _WHY, error.detail or error.code) from None


def _unknown_client(server: AuthServer, request_id: str, now: int) -> flask.Response:
    server.audit.emit(
        "authorization.refused", now=now, request_id=request_id, reason="unknown_client"
    )
    return pages.render(
        server,
        "unknown_client.html",
        status=400,
        page_title="This application is not registered",
        registers=server.settings.registration.enabled,
        request_id=request_id,
    )


def _pushed(
    server: AuthServer, received: Params, client: Client, request_id: str, now: int
) -> flask.Response:
    """Go on with a request that was pushed; all else in the query is ignored (RFC 9126 §4)."""
    with server.store.read() as reads:
        pushed = reads.pushed_request(opaque.digest(received.get("request_uri") or ""))
    if pushed is None or not pushed_request.answers_to(pushed, client.client_id, now):
        raise _push_gone()
    if redirect_uris.match(client.redirect_uris, pushed.request.redirect_uri) is None:
        raise _push_gone()  # the client changed in between
    return _begin(server, pushed.request, request_id, now, pushed)


def _push_gone() -> PageError:
    text = "The request has expired or was opened before. Start again in the application."
    return PageError(400, _CANNOT, text, "pushed_request_gone")


def _begin(
    server: AuthServer,
    request: AuthorizationRequest,
    request_id: str,
    now: int,
    pushed: PushedRequest | None = None,
) -> flask.Response:
    """Begin an authorization; `pushed` is the request as which it came."""
    known = browser.binding(server)
    flow = _flow(server, request, known or opaque.random_value(), request_id, now)
    step = flow.step()
    with server.store.write() as tx:
        if isinstance(step, Refuse):  # `prompt=none`: nobody decides, so there is nothing to keep
            _spend(tx, pushed, now)
            steps.touch_session(tx, flow)
        else:
            _check_room(server, tx, flow, pushed)
            _spend(tx, pushed, now)
            tx.add_pending(flow.pending)
    server.audit.emit(
        "authorization.requested",
        now=now,
        request_id=request_id,
        client_id=request.client_id,
        resource=request.resource,
        scope=" ".join(request.scope),
    )
    if isinstance(step, Refuse):
        return steps.send_refusal(server, flow, step.error, trusted=flow.is_remembered)
    response = steps.advance(server, flow)
    if known is None:
        browser.set_first_binding(server, response, flow.binding, flow.pending)
    return response


def _flow(
    server: AuthServer, request: AuthorizationRequest, binding: str, request_id: str, now: int
) -> Flow:
    with server.store.read() as reads:
        pending = PendingAuthorization(
            id=opaque.random_value(),
            request=request,
            binding_digest=opaque.digest(binding),
            network_digest=on_their_way.network_digest(peer_address()),
            epochs=reads.epoch_sum((epoch.client(request.client_id),)),
            created_at=now,
            expires_at=now + PENDING_LIFETIME,
        )
        return flows.complete(server, reads, pending, binding, request_id, now)


def _check_room(
    server: AuthServer, tx: Transaction, flow: Flow, pushed: PushedRequest | None
) -> None:
    """Raise `temporarily_unavailable` (429) where the network has too many on their way."""
    if isinstance(flow.step(), Answer):
        return  # it is approved in the same breath, by what its user decided before
    if pushed is not None and pushed.network_digest == flow.pending.network_digest:
        return  # it was counted when it was pushed
    on_their_way.check(server, tx, peer_address(), flow.now)


def _spend(tx: Transaction, pushed: PushedRequest | None, now: int) -> None:
    if pushed is not None and not tx.spend_pushed_request(pushed.digest, now):
        raise _push_gone()

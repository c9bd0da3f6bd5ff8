"""The one place that carries out the next step of a flow: to a page of ours, or to the client."""

import flask

from authserver.app import AuthServer
from authserver.endpoints import answers, pages
from authserver.endpoints import flow as flows
from authserver.endpoints.flow import Flow
from authserver.oauth import client as clients
from authserver.oauth import opaque, signed_client
from authserver.oauth.device_authorization import Approval, DeviceAuthorization
from authserver.oauth.errors import OAuthError
from authserver.oauth.grant import Code
from authserver.oauth.interaction import Answer, AskConsent, Deny, Refuse, Session, SignIn
from authserver.storage.store import Transaction


def advance(server: AuthServer, flow: Flow) -> flask.Response:
    """Carry out the next step: to the sign-in page, to the consent page, or back to the client."""
    match flow.step():
        case SignIn():
            return to_page(server, "sign-in", flow.pending.id)
        case AskConsent() | Deny():
            return to_page(server, "consent", flow.pending.id)
        case Answer(scope):
            return approve(server, flow, scope, remember=False)
        case Refuse(error):
            return refuse(server, flow, error, trusted=flow.is_remembered)


def to_page(server: AuthServer, name: str, pending_id: str, problem: str = "") -> flask.Response:
    """Return the redirect to one of our pages (always 303, never elsewhere)."""
    suffix = f"&problem={problem}" if problem else ""
    return pages.see_other(f"{server.pages_url}/{name}?pending={pending_id}{suffix}")


def refuse(server: AuthServer, flow: Flow, error: OAuthError, *, trusted: bool) -> flask.Response:
    """End the request with an error, once; `trusted` says that the user decided, now or earlier."""
    with server.store.write() as tx:
        won = tx.decide_pending(flow.pending.id, "denied", flow.now, flow.subjects, flow.epochs)
        if won and flow.device is not None:
            won = tx.deny_device(flow.device.digest, flow.now)
        touch_session(tx, flow)
    if not won:
        raise flows.ended()
    if flow.device is not None:
        return _deny_device(server, flow, flow.device, error)
    return send_refusal(server, flow, error, trusted=trusted)


def touch_session(tx: Transaction, flow: Flow) -> None:
    """Note that the browser's session was used, where it has one."""
    if flow.session is not None:
        tx.touch_session(flow.session.digest, flow.now)


def send_refusal(
    server: AuthServer, flow: Flow, error: OAuthError, *, trusted: bool
) -> flask.Response:
    """Answer with the error of a request that has ended, or was never kept; as `refuse`."""
    request = flow.pending.request
    return answers.refuse(
        server, flow.client, request.redirect_uri, request.state, error, flow.request_id, flow.now,
        trusted=trusted,
    )  # fmt: skip


def approve(
    server: AuthServer, flow: Flow, scope: tuple[str, ...], *, remember: bool = True
) -> flask.Response:
    """Issue the code for an approved request, once, and send the browser back with it."""
    if flow.session is None:
        raise flows.forbidden("no_session")
    request = flow.pending.request
    value, grant_id = opaque.random_value(opaque.CODE_PREFIX), opaque.random_value()
    with server.store.write() as tx:
        won = tx.decide_pending(flow.pending.id, "approved", flow.now, flow.subjects, flow.epochs)
        if not won:
            raise flows.ended()
        if signed_client.is_signed(request.client_id) and not flow.client.preregistered:
            tx.keep_client(flow.client)  # from now on it depends on no key and ends as others do
        if flow.device is None:
            tx.add_code(_code(server, flow, flow.session, grant_id, scope, value))
        elif not tx.approve_device(
            flow.device.digest, _approval(flow, flow.session, grant_id, scope), flow.now
        ):
            raise flows.ended()
        tx.touch_session(flow.session.digest, flow.now)
        if remember and flow.device is None:
            tx.remember_consent(
                flow.session.sub,
                request.client_id,
                flows.remembered_as(request),
                request.resource,
                scope=scope,
                client_digest=clients.digest(flow.client),
                epochs=flow.consent_epochs,
                now=flow.now,
            )
    server.audit.emit(
        "consent.approved" if remember else "consent.remembered",
        now=flow.now,
        request_id=flow.request_id,
        client_id=request.client_id,
        sub=flow.session.sub,
        resource=request.resource,
        scope=" ".join(scope),
        grant_id=grant_id,
        device_address=flow.device.address if flow.device else None,
    )
    if flow.device is not None:
        return answers.to_device(server, flow.client, flow.request_id, approved=True)
    return answers.send(
        server, flow.client, request.redirect_uri, request.state, {"code": value}, flow.request_id
    )


def _deny_device(
    server: AuthServer, flow: Flow, device: DeviceAuthorization, error: OAuthError
) -> flask.Response:
    server.audit.emit(
        "authorization.refused",
        now=flow.now,
        request_id=flow.request_id,
        client_id=flow.client.client_id,
        sub=flow.session.sub if flow.session else None,
        resource=flow.resource.url,
        device_address=device.address,
        error=error.code,
        reason=error.detail or error.description,
    )
    return answers.to_device(server, flow.client, flow.request_id, approved=False)


def note_failed_sign_in(server: AuthServer, flow: Flow, reason: str, detail: str) -> None:
    """Tell the audit why the upstream did not say who the user is."""
    server.audit.emit(
        "sign_in.failed",
        now=flow.now,
        request_id=flow.request_id,
        client_id=flow.client.client_id,
        reason=reason,
        detail=detail,
    )


def _approval(flow: Flow, session: Session, grant_id: str, scope: tuple[str, ...]) -> Approval:
    return Approval(
        grant_id=grant_id,
        sub=session.sub,
        scope=scope,
        auth_time=session.auth_time,
        epochs=flow.code_epochs,
        upstream_sid=session.upstream_sid,
    )


def _code(
    server: AuthServer,
    flow: Flow,
    session: Session,
    grant_id: str,
    scope: tuple[str, ...],
    value: str,
) -> Code:
    request = flow.pending.request
    return Code(
        digest=opaque.digest(value),
        grant_id=grant_id,
        client_id=request.client_id,
        redirect_uri=request.redirect_uri,
        redirect_uri_given=request.redirect_uri_given,
        sub=session.sub,
        resource=request.resource,
        scope=scope,
        code_challenge=request.code_challenge,
        auth_time=session.auth_time,
        epochs=flow.code_epochs,
        expires_at=flow.now + server.settings.tokens.authorization_code_lifetime,
        nonce=request.nonce,
        upstream_sid=session.upstream_sid,
        dpop_jkt=request.dpop_jkt,
    )

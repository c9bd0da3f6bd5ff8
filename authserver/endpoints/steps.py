"""Loading a pending authorization for its browser, and the one place that carries out a step."""

import secrets
from dataclasses import dataclass, field

import flask

from authserver.app import AuthServer
from authserver.endpoints import answers, browser, pages
from authserver.endpoints.page_error import PageError
from authserver.oauth import client as clients
from authserver.oauth import epoch, opaque, redirect_uri
from authserver.oauth.client import Client
from authserver.oauth.grant import Code
from authserver.oauth.interaction import (
    Answer,
    AskConsent,
    PendingAuthorization,
    Refuse,
    RememberedConsent,
    Session,
    SignIn,
    Step,
    next_step,
)
from authserver.oauth.resource import Resource
from authserver.oauth.user import User
from authserver.storage.store import Reads

_FORBIDDEN = "This page belongs to another browser or has been open for too long."
_GONE = "This request has expired or was answered already."


@dataclass(frozen=True, slots=True)
class Flow:
    """A pending authorization with all that the next step depends on."""

    pending: PendingAuthorization
    client: Client
    resource: Resource
    binding: str = field(repr=False)
    session: Session | None
    user: User | None
    remembered: RememberedConsent | None
    request_id: str
    now: int

    @property
    def is_remembered(self) -> bool:
        """Say whether a stored consent covers this request."""
        memory = self.remembered
        digest = clients.digest(self.client)
        return memory is not None and memory.covers(self.pending.request, digest)

    def step(self) -> Step:
        """Return the next step."""
        return next_step(self.pending, self.client, self.session, self.is_remembered, self.now)


def load(server: AuthServer, pending_id: str | None, request_id: str, now: int) -> Flow:
    """Load the flow that a page names, for the browser that owns it; raises PageError."""
    binding = browser.binding(server)
    with server.store.read() as reads:
        pending = reads.pending(pending_id) if pending_id else None
        if binding is None or pending is None:
            raise PageError(403, "This page cannot be continued", _FORBIDDEN, "no_flow")
        if not secrets.compare_digest(opaque.digest(binding), pending.binding_digest):
            raise PageError(403, "This page cannot be continued", _FORBIDDEN, "other_browser")
        if pending.status != "pending" or now >= pending.expires_at:
            raise PageError(400, "Nothing to do here any more", _GONE, "flow_ended")
        return complete(server, reads, pending, binding, request_id, now)


def complete(
    server: AuthServer,
    reads: Reads,
    pending: PendingAuthorization,
    binding: str,
    request_id: str,
    now: int,
) -> Flow:
    """Add client, session and memory to a pending authorization; raises PageError."""
    request = pending.request
    client = reads.client(request.client_id)
    resource = server.resource(request.resource)
    if client is None or resource is None:
        raise PageError(400, "This application is not registered any more", _GONE, "client_gone")
    if redirect_uri.match(client.redirect_uris, request.redirect_uri) is None:
        raise PageError(400, "This application has changed", _GONE, "redirect_uri_gone")
    value = browser.session_value(server)
    session = reads.session(opaque.digest(value)) if value else None
    if session is not None and session.expired(now):
        session = None
    user = reads.user(session.sub) if session else None
    remembered = (
        reads.consent(user.sub, client.client_id, request.redirect_uri, resource.url)
        if user
        else None
    )
    return Flow(
        pending, client, resource, binding, session if user else None, user, remembered,
        request_id, now,
    )  # fmt: skip


def advance(server: AuthServer, flow: Flow) -> flask.Response:
    """Carry out the next step: to the sign-in page, to the consent page, or back to the client."""
    step = flow.step()
    match step:
        case SignIn():
            return to_page(server, "sign-in", flow.pending.id)
        case AskConsent():
            return to_page(server, "consent", flow.pending.id)
        case Answer(scope):
            return approve(server, flow, scope, remember=False)
        case Refuse(error):
            if not decide(server, flow, "denied"):
                raise PageError(400, "Nothing to do here any more", _GONE, "flow_ended")
            return answers.refuse(
                server, flow.client, flow.pending.request.redirect_uri,
                flow.pending.request.state, error, flow.request_id, flow.now,
                trusted=flow.is_remembered,
            )  # fmt: skip


def to_page(server: AuthServer, name: str, pending_id: str, problem: str = "") -> flask.Response:
    """Return the redirect to one of our pages (always 303, never elsewhere)."""
    suffix = f"&problem={problem}" if problem else ""
    return pages.see_other(f"{server.issuer}/{name}?pending={pending_id}{suffix}")


def decide(server: AuthServer, flow: Flow, status: str) -> bool:
    """Move the request to `denied`; True for the one caller that did it."""
    with server.store.write() as tx:
        return tx.decide_pending(
            flow.pending.id,
            "denied" if status == "denied" else "approved",
            flow.now,
            _subjects(flow),
            _epochs(flow),
        )


def approve(
    server: AuthServer, flow: Flow, scope: tuple[str, ...], *, remember: bool = True
) -> flask.Response:
    """Issue the code for an approved request, once, and send the browser back with it."""
    if flow.session is None:
        raise PageError(403, "This page cannot be continued", _FORBIDDEN, "no_session")
    request = flow.pending.request
    value = opaque.random_value(opaque.CODE_PREFIX)
    with server.store.write() as tx:
        won = tx.decide_pending(
            flow.pending.id, "approved", flow.now, _subjects(flow), _epochs(flow)
        )
        if not won:
            raise PageError(400, "Nothing to do here any more", _GONE, "flow_ended")
        subjects = epoch.of_grant(
            flow.session.sub, request.client_id, request.resource, flow.session.upstream_sid
        )
        tx.add_code(_code(server, flow, flow.session, scope, value, tx.epoch_sum(subjects)))
        if remember:
            tx.remember_consent(
                flow.session.sub,
                request.client_id,
                request.redirect_uri,
                request.resource,
                scope=scope,
                client_digest=clients.digest(flow.client),
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
    )
    return answers.send(
        server, flow.client, request.redirect_uri, request.state, {"code": value}, flow.request_id
    )


def _subjects(flow: Flow) -> tuple[str, ...]:
    of_client = (epoch.client(flow.client.client_id),)
    if flow.session is None:
        return of_client
    return (*of_client, *epoch.of_session(flow.session.sub, flow.session.upstream_sid))


def _epochs(flow: Flow) -> int:
    return flow.pending.epochs + (flow.session.epochs if flow.session else 0)


def _code(
    server: AuthServer,
    flow: Flow,
    session: Session,
    scope: tuple[str, ...],
    value: str,
    epochs: int,
) -> Code:
    request = flow.pending.request
    return Code(
        digest=opaque.digest(value),
        grant_id=opaque.random_value(),
        client_id=request.client_id,
        redirect_uri=request.redirect_uri,
        redirect_uri_given=request.redirect_uri_given,
        sub=session.sub,
        resource=request.resource,
        scope=scope,
        code_challenge=request.code_challenge,
        auth_time=session.auth_time,
        epochs=epochs,
        expires_at=flow.now + server.settings.tokens.authorization_code_lifetime,
        nonce=request.nonce,
        upstream_sid=session.upstream_sid,
    )

"""GET /callback: the upstream says who the user is: OpenID Connect Core §3.1.2.5, RFC 9207 §2.4."""

import flask

from authserver import vault
from authserver.adapter import peer_address
from authserver.app import AuthServer
from authserver.endpoints import browser, forms, steps
from authserver.endpoints import flow as flows
from authserver.endpoints.flow import Flow
from authserver.endpoints.page_error import PageError
from authserver.oauth import epoch, opaque, policy
from authserver.oauth.errors import OAuthError
from authserver.oauth.interaction import Session
from authserver.oauth.params import Params
from authserver.oauth.user import User
from authserver.storage.store import Transaction
from authserver.upstream.errors import UpstreamError, UpstreamUnavailable
from authserver.upstream.identity import UpstreamIdentity
from authserver.upstream.logout_token import sign_in_names

LEEWAY = 60  # seconds between two clocks


def callback(server: AuthServer, request_id: str, now: int) -> flask.Response:
    """Match state and cookie, spend the state, ask the upstream, begin a session, go on."""
    received = _params()
    state = received.get("state") or ""
    flow = flows.load(server, state.partition(".")[0], request_id, now)
    server.limiter.check_sign_in(peer_address(), "return")  # before the state is spent
    with server.store.write() as tx:
        spent = tx.spend_upstream_login(opaque.digest(state), now) == flow.pending.id
    if not spent:
        # The owner of the flow, come back twice: the state is void, the flow is not.
        return _failed(server, flow, "state_spent", "")
    try:
        if "error" in received:
            return _refused_upstream(server, flow, received)
        identity = _identify(server, flow, received, state)
        return _begin_session(server, flow, identity)
    except UpstreamError as error:
        return _failed(server, flow, error.reason, error.detail)
    except UpstreamUnavailable as error:
        return _failed(server, flow, "upstream_unavailable", error.detail, "unavailable")


def _params() -> Params:
    heading = "Sign-in cannot be completed"
    received = forms.query(heading)
    try:
        received.check()
    except OAuthError as error:
        raise PageError(400, heading, error.description, "repeated_parameter") from None
    return received


def _identify(server: AuthServer, flow: Flow, received: Params, state: str) -> UpstreamIdentity:
    identity = server.upstream.exchange(
        code=received.get("code") or "",
        code_verifier=opaque.derive(flow.binding, "code_verifier", state),
        nonce=opaque.derive(flow.binding, "nonce", state),
        iss=received.get("iss"),
        max_age=flow.pending.request.max_age,
        kept_scopes=flow.resource.kept_scopes,
        now=flow.now,
    )
    _check_signed_in_anew(flow, identity)
    return identity


def _check_signed_in_anew(flow: Flow, identity: UpstreamIdentity) -> None:
    """Raise UpstreamError where a new sign-in was asked for and the upstream says it was none."""
    asked_at = flow.pending.created_at - LEEWAY
    if "login" not in flow.pending.request.prompt or identity.auth_time is None:
        return
    if identity.auth_time < asked_at:
        raise UpstreamError("id_token_auth_time", "the sign-in is older than prompt=login")


def _refused_upstream(server: AuthServer, flow: Flow, received: Params) -> flask.Response:
    """Take an error response for what it is: from the right issuer, and never shown as it came."""
    server.upstream.check_iss(received.get("iss"))
    denied = received.get("error") == "access_denied"
    return _failed(server, flow, "upstream_error_response", "", "denied" if denied else "failed")


def _failed(
    server: AuthServer, flow: Flow, reason: str, detail: str, problem: str = "failed"
) -> flask.Response:
    steps.note_failed_sign_in(server, flow, reason, detail)
    return steps.to_page(server, "sign-in", flow.pending.id, problem)


def _begin_session(server: AuthServer, flow: Flow, identity: UpstreamIdentity) -> flask.Response:
    value = opaque.random_value()
    old = browser.session_value(server)
    with server.store.write() as tx:
        user = tx.save_user(
            identity.issuer,
            identity.subject,
            name=identity.name,
            email=identity.email,
            email_verified=identity.email_verified,
            claims=identity.claims,
            now=flow.now,
            new_sub=opaque.random_value("usr-"),
        )
        if old is not None:
            tx.delete_session(opaque.digest(old))
        epochs = tx.epoch_sum(epoch.of_session(user.sub, identity.sid))
        _check_not_logged_out(tx, flow, identity)
        session = _session(flow, user, identity, value, epochs)
        tx.add_session(session)
        _keep_tokens(server, tx, flow, user, identity)
    server.audit.emit(
        "sign_in.succeeded", now=flow.now, request_id=flow.request_id, sub=user.sub,
        client_id=flow.client.client_id,
    )  # fmt: skip
    # The pages read the session from its cookie: go there with the new one.
    response = steps.to_page(server, "consent", flow.pending.id)
    browser.set_session(server, response, value)
    return response


def _check_not_logged_out(tx: Transaction, flow: Flow, identity: UpstreamIdentity) -> None:
    """Raise UpstreamError where a logout overtook the sign-in while the upstream was asked."""
    names = sign_in_names(identity.issuer, identity.subject, identity.sid)
    if tx.is_logged_out_since(names, flow.now):
        raise UpstreamError("logged_out", "the upstream logged the user out meanwhile")


def _keep_tokens(
    server: AuthServer, tx: Transaction, flow: Flow, user: User, identity: UpstreamIdentity
) -> None:
    """Keep the upstream's tokens where the resource asks for them and the user may use it.

    Only now is it certain whose they are; until here nothing but this sign-in could get lost.
    """
    resource, scope = flow.resource, flow.pending.request.scope
    if resource.kept_scopes is None or identity.tokens is None:
        return
    if policy.allowed(resource, user, scope) is not None:
        vault.keep(server, tx, user, resource, identity.tokens, flow.now)


def _session(
    flow: Flow, user: User, identity: UpstreamIdentity, value: str, epochs: int
) -> Session:
    return Session(
        digest=opaque.digest(value),
        sub=user.sub,
        auth_time=identity.auth_time if identity.auth_time is not None else flow.now,
        created_at=flow.now,
        last_seen_at=flow.now,
        epochs=epochs,
        upstream_sid=identity.sid,
        signed_in_for=flow.pending.id,
    )

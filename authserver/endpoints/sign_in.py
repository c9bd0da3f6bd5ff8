"""GET and POST /sign-in: who asks for what, before the upstream is asked who the user is."""

import flask

from authserver.adapter import peer_address
from authserver.app import AuthServer
from authserver.endpoints import facts, forms, pages, steps
from authserver.endpoints import flow as flows
from authserver.endpoints.flow import Flow
from authserver.oauth import opaque
from authserver.oauth.errors import OAuthError
from authserver.oauth.interaction import SignIn
from authserver.upstream.errors import UpstreamError, UpstreamUnavailable

_PROBLEMS = {
    "denied": "You were not signed in: the sign-in was cancelled.",
    "failed": "You could not be signed in. Please try again.",
    "unavailable": "The sign-in service does not answer at the moment. Please try again soon.",
}


def show(server: AuthServer, request_id: str, now: int) -> flask.Response:
    """Show the sign-in page, or go where the request stands by now."""
    query = forms.query()
    flow = flows.load(server, query.get("pending"), request_id, now)
    problem = query.get("problem") or ""
    if not isinstance(flow.step(), SignIn):
        return steps.advance(server, flow)
    # Whoever turned back at the upstream may have met the wrong account there.
    choose = query.get("account") == "choose" or problem == "denied"
    return _page(server, flow, _PROBLEMS.get(problem), choose=choose)


def post(server: AuthServer, request_id: str, now: int) -> flask.Response:
    """Go to the upstream; only now do state, nonce and verifier exist."""
    form = forms.read()
    flow = flows.load(server, form.get("pending"), request_id, now)
    forms.check_csrf(flow, form, "sign-in")
    if form.get("decision") == "cancel":
        return _cancel(server, flow)
    if not isinstance(flow.step(), SignIn):
        return steps.advance(server, flow)
    server.limiter.check_sign_in(peer_address(), "press")
    return _to_upstream(server, flow, choose=forms.query().get("account") == "choose")


def _to_upstream(server: AuthServer, flow: Flow, *, choose: bool) -> flask.Response:
    state = f"{flow.pending.id}.{opaque.random_value()}"
    request = flow.pending.request
    try:
        url = server.upstream.authorization_url(
            state=state,
            nonce=opaque.derive(flow.binding, "nonce", state),
            code_verifier=opaque.derive(flow.binding, "code_verifier", state),
            login_hint=None if choose else request.login_hint,
            prompt=_upstream_prompt(flow, choose=choose),
            max_age=request.max_age,
            kept_scopes=flow.resource.kept_scopes,
        )
    except (UpstreamError, UpstreamUnavailable) as error:
        reason = error.reason if isinstance(error, UpstreamError) else "upstream_unavailable"
        steps.note_failed_sign_in(server, flow, reason, error.detail)
        return _page(server, flow, _PROBLEMS["unavailable"], status=503, choose=choose)
    with server.store.write() as tx:
        tx.add_upstream_login(
            opaque.digest(state), flow.pending.id, flow.now, flow.pending.expires_at
        )
    return pages.see_other(url)


def _upstream_prompt(flow: Flow, *, choose: bool) -> str | None:
    """Return what the upstream is asked; `consent` is ours and never forwarded."""
    wanted = flow.pending.request.prompt
    if "login" in wanted:
        return "login"
    return "select_account" if choose or "select_account" in wanted else None


def _cancel(server: AuthServer, flow: Flow) -> flask.Response:
    error = OAuthError("access_denied", "The user cancelled.", detail="sign_in_cancelled")
    return steps.refuse(server, flow, error, trusted=True)


def _page(
    server: AuthServer, flow: Flow, problem: str | None, *, choose: bool, status: int = 200
) -> flask.Response:
    suffix = "?account=choose" if choose else ""
    return pages.render(
        server,
        "sign_in.html",
        status=status,
        page_title="Sign in",
        request_id=flow.request_id,
        upstream_name=server.settings.upstream.name,
        action=f"{server.pages_url}/sign-in{suffix}",
        pending=flow.pending.id,
        csrf=forms.csrf_token(flow, "sign-in"),
        error=problem,
        **facts.of(flow, flow.pending.request.scope),
    )

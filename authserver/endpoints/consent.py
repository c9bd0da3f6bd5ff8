"""GET and POST /consent: the user decides, after login, once: OAuth 2.1 §7.9, MCP consent rules."""

import flask

from authserver.app import AuthServer
from authserver.endpoints import browser, facts, forms, pages, steps
from authserver.endpoints import flow as flows
from authserver.endpoints.flow import Flow
from authserver.endpoints.page_error import PageError
from authserver.oauth import opaque
from authserver.oauth.errors import OAuthError
from authserver.oauth.interaction import AskConsent

_DAY = 86400


def show(server: AuthServer, request_id: str, now: int) -> flask.Response:
    """Show the consent page, or go where the request stands by now."""
    flow = flows.load(server, forms.query().get("pending"), request_id, now)
    step = flow.step()
    if not isinstance(step, AskConsent):
        return steps.advance(server, flow)
    return _page(server, flow, remembered=step.remembered)


def post(server: AuthServer, request_id: str, now: int) -> flask.Response:
    """Carry out the user's decision; the stored request rules, never the form's fields."""
    form = forms.read()
    flow = flows.load(server, form.get("pending"), request_id, now)
    if not isinstance(flow.step(), AskConsent):
        return steps.advance(server, flow)
    forms.check_csrf(flow, form, "consent")
    match form.get("decision"):
        case "approve":
            return steps.approve(server, flow, _ticked(flow))
        case "deny":
            return _deny(server, flow)
        case "switch":
            return _switch(server, flow)
        case _:
            raise PageError(400, "Nothing was decided", "Choose to allow or to deny.", "decision")


def _ticked(flow: Flow) -> tuple[str, ...]:
    """Return the request's scopes less those whose box was unticked; raises PageError for none."""
    ticked = forms.ticked()
    requested = flow.pending.request.scope
    kept = tuple(name for name in requested if name in ticked or name == "openid")
    if requested and not kept:
        raise PageError(
            400, "Nothing was chosen", "Go back and tick what you want to allow, or deny.", "scope"
        )
    return kept


def _lifetime(server: AuthServer, flow: Flow) -> str | None:
    """Return how long the client keeps access, as the page says it; None without refresh."""
    if "refresh_token" not in flow.client.grant_types:
        return None
    tokens = server.settings.tokens
    idle, absolute = (
        f"{seconds // _DAY} days" if seconds >= 2 * _DAY else f"{seconds // 3600} hours"
        for seconds in (tokens.refresh_idle_lifetime, tokens.refresh_absolute_lifetime)
    )
    return f"{idle} after it was last used, {absolute} at most"


def _deny(server: AuthServer, flow: Flow) -> flask.Response:
    error = OAuthError("access_denied", "The user denied the request.", detail="consent_denied")
    return steps.refuse(server, flow, error, trusted=True)


def _switch(server: AuthServer, flow: Flow) -> flask.Response:
    value = browser.session_value(server)
    if value is not None:
        with server.store.write() as tx:
            tx.delete_session(opaque.digest(value))
    response = pages.see_other(f"{server.issuer}/sign-in?pending={flow.pending.id}&account=choose")
    browser.clear_session(server, response)
    return response


def _page(server: AuthServer, flow: Flow, *, remembered: bool) -> flask.Response:
    user, session = flow.user, flow.session
    if user is None or session is None:
        return steps.advance(server, flow)
    return pages.render(
        server,
        "consent.html",
        page_title="Allow access",
        request_id=flow.request_id,
        action=f"{server.issuer}/consent",
        pending=flow.pending.id,
        csrf=forms.csrf_token(flow, "consent"),
        user_name=user.name,
        user_email=user.email,
        user_subject_hint=user.upstream_subject,
        remembered=remembered,
        refresh_lifetime_text=_lifetime(server, flow),
        **facts.of(server, flow),
    )

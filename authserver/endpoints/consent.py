"""GET and POST /consent: the user decides, after login, once: OAuth 2.1 §7.9, MCP consent rules."""

from typing import Any

import flask

from authserver.app import AuthServer
from authserver.endpoints import browser, facts, forms, pages, steps
from authserver.endpoints import flow as flows
from authserver.endpoints.flow import Flow
from authserver.endpoints.page_error import PageError
from authserver.oauth import opaque
from authserver.oauth.errors import OAuthError
from authserver.oauth.interaction import AskConsent, Deny, not_allowed

_DAY = 86400


def show(server: AuthServer, request_id: str, now: int) -> flask.Response:
    """Show the consent page, or go where the request stands by now."""
    flow = flows.load(server, forms.query().get("pending"), request_id, now)
    match flow.step():
        case AskConsent() as asked:
            return _page(server, flow, asked)
        case Deny():
            return _denied_page(server, flow)
        case _:
            return steps.advance(server, flow)


def post(server: AuthServer, request_id: str, now: int) -> flask.Response:
    """Carry out the user's decision; the stored request rules, never the form's fields."""
    form = forms.read()
    flow = flows.load(server, form.get("pending"), request_id, now)
    step = flow.step()
    if not isinstance(step, AskConsent | Deny):
        return steps.advance(server, flow)
    forms.check_csrf(flow, form, "consent")
    match form.get("decision"), step:
        case "approve", AskConsent(scope, _):
            return steps.approve(server, flow, _ticked(scope))
        case "approve", _:  # it was allowed when the page was shown
            return _denied_page(server, flow)
        case "deny", AskConsent():
            return _deny(server, flow)
        case "deny", _:
            return steps.refuse(server, flow, not_allowed(), trusted=True)
        case "switch", _:
            return _switch(server, flow)
        case _:
            raise PageError(400, "Nothing was decided", "Choose to allow or to deny.", "decision")


def _ticked(offered: tuple[str, ...]) -> tuple[str, ...]:
    """Return the scopes offered less those whose box was unticked; raises PageError for none."""
    ticked = forms.ticked()
    kept = tuple(name for name in offered if name in ticked or name == "openid")
    if offered and not kept:
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
    response = pages.see_other(
        f"{server.pages_url}/sign-in?pending={flow.pending.id}&account=choose"
    )
    browser.clear_session(server, response)
    return response


def _page(server: AuthServer, flow: Flow, asked: AskConsent) -> flask.Response:
    return pages.render(
        server,
        "consent.html",
        page_title="Allow access",
        remembered=asked.remembered,
        refresh_lifetime_text=_lifetime(server, flow),
        **_form(server, flow),
        **facts.of(flow, asked.scope),
    )


def _denied_page(server: AuthServer, flow: Flow) -> flask.Response:
    """Say that the user may not, and leave the request open for another account of theirs."""
    server.audit.emit(
        "authorization.not_allowed",
        now=flow.now,
        request_id=flow.request_id,
        client_id=flow.client.client_id,
        sub=flow.user.sub if flow.user else None,
        email_verified=flow.user.email_verified if flow.user else None,
        resource=flow.resource.url,
        scope=" ".join(flow.pending.request.scope),
    )
    return pages.render(
        server,
        "denied.html",
        status=403,
        page_title="No access",
        **_form(server, flow),
        **facts.of(flow, ()),
    )


def _form(server: AuthServer, flow: Flow) -> dict[str, Any]:
    """Return who is signed in, and what a form of this request holds."""
    user = flow.user
    return {
        "request_id": flow.request_id,
        "action": f"{server.pages_url}/consent",
        "pending": flow.pending.id,
        "csrf": forms.csrf_token(flow, "consent"),
        "user_name": user and user.name,
        "user_email": user and user.email,
        "user_subject_hint": user and user.upstream_subject,
    }

"""What our own pages post back: one value per field, and the token of the page."""

import flask

from authserver.endpoints import browser
from authserver.endpoints.page_error import PageError
from authserver.endpoints.steps import Flow
from authserver.oauth import params
from authserver.oauth.errors import OAuthError
from authserver.oauth.params import Params

_REPEATED = "scope"  # checkboxes of one name


def read() -> Params:
    """Read the posted form; raises PageError for what no page of ours sends."""
    body = flask.request.get_data(cache=True)
    try:
        return params.parse(body)
    except OAuthError as error:
        raise PageError(400, "The form cannot be read", error.description) from None


def ticked() -> tuple[str, ...]:
    """Return the scopes whose boxes are ticked."""
    return tuple(flask.request.form.getlist(_REPEATED))


def check_csrf(flow: Flow, form: Params, page: str) -> None:
    """Raise PageError (403) where the form was not made for this browser, page and request."""
    session = flow.session.digest if flow.session and page == "consent" else ""
    purpose = (page, flow.pending.id, session) if session else (page, flow.pending.id)
    if not browser.csrf_matches(flow.binding, form.get("csrf_token"), *purpose):
        raise PageError(
            403,
            "This page cannot be continued",
            "The form was not sent from the page that was shown in this browser.",
            "csrf",
        )

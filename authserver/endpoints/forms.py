"""What reaches our pages: a query, a posted form, and the token of the page that posts it."""

import flask

from authserver.adapter import read_body
from authserver.endpoints import browser
from authserver.endpoints.flow import Flow
from authserver.endpoints.page_error import PageError
from authserver.oauth import client, params
from authserver.oauth.errors import OAuthError
from authserver.oauth.params import Params
from authserver.oauth.resource import MAX_SCOPES

# The longest state has 4096 characters, and of each an escaped emoji makes twelve.
MAX_QUERY = 64 * 1024
MAX_FIELDS = 2 * MAX_SCOPES  # a box for each scope, and the fields of the page
_REPEATED = "scope"  # checkboxes of one name


def query(heading: str = "This link cannot be followed") -> Params:
    """Read the query of a page; raises PageError (400, 414) for what is too long or no text."""
    encoded = flask.request.query_string
    if len(encoded) > MAX_QUERY:
        raise PageError(414, heading, "The request is too long.", "query_too_long")
    try:
        return params.parse(encoded)
    except OAuthError as error:
        raise PageError(400, heading, error.description, error.detail) from None


def read() -> Params:
    """Read the posted form; raises PageError for what no page of ours sends."""
    heading = "The form cannot be read"
    try:
        form = params.parse(read_body(), MAX_FIELDS)
    except OAuthError as error:
        raise PageError(error.status, heading, error.description) from None
    if form.repeated - {_REPEATED}:
        raise PageError(400, heading, "A field is included more than once.", "repeated_field")
    return form


def ticked() -> tuple[str, ...]:
    """Return the scopes whose boxes are ticked."""
    return tuple(flask.request.form.getlist(_REPEATED))


def csrf_token(flow: Flow, page: str) -> str:
    """Return the token of a page's form: for this browser, this request, and who it speaks of."""
    return browser.csrf_token(flow.binding, *_purpose(flow, page))


def check_csrf(flow: Flow, form: Params, page: str) -> None:
    """Raise PageError (403) where the form was not made for this browser, page and request."""
    if not browser.csrf_matches(flow.binding, form.get("csrf_token"), *_purpose(flow, page)):
        raise PageError(
            403,
            "This page cannot be continued",
            "The form was not sent from the page that was shown in this browser, or the "
            "application changed meanwhile. Go back and load the page again.",
            "csrf",
        )


def _purpose(flow: Flow, page: str) -> tuple[str, ...]:
    if page != "consent":
        return page, flow.pending.id, ""
    # The user, not the session: a sign-in in another tab begins a new one and changes nothing here.
    addressed = flow.session.sub if flow.session else ""
    # A client that changes while its page is open is not the one that the user reads about there.
    return page, flow.pending.id, addressed, client.digest(flow.client)

"""What a user reads when a page cannot go on; nothing of it comes from the request."""

import logging

import flask

from authserver.app import AuthServer
from authserver.endpoints import pages

logger = logging.getLogger("authserver")

_CONNECT_AGAIN = "Go back to your application and connect to the MCP server again."


class PageError(Exception):
    """A refusal shown as a page: status, heading, a fixed sentence; `detail` is for the audit.

    `hints` say what the user can do, and `retry_href` is the page of ours where they begin anew.
    """

    def __init__(
        self,
        status: int,
        heading: str,
        message: str,
        detail: str = "",
        headers: tuple[tuple[str, str], ...] = (),
        *,
        hints: tuple[str, ...] = (_CONNECT_AGAIN,),
        retry_href: str | None = None,
    ) -> None:
        super().__init__(heading)
        self.status = status
        self.heading = heading
        self.message = message
        self.detail = detail
        self.headers = headers
        self.hints = hints
        self.retry_href = retry_href


def error_page(server: AuthServer, error: PageError, request_id: str) -> flask.Response:
    """Return the page of a refusal, a plain one where the templates fail too."""
    try:
        response = _render(server, error, request_id)
    except Exception:
        logger.exception("the error page cannot be rendered (request %s)", request_id)
        response = pages.plain(error.status, error.heading, error.message, f"Quote {request_id}.")
    response.headers.extend(error.headers)
    return response


def _render(server: AuthServer, error: PageError, request_id: str) -> flask.Response:
    return pages.render(
        server,
        "error.html",
        status=error.status,
        page_title=error.heading,
        request_id=request_id,
        heading=error.heading,
        message=error.message,
        hints=error.hints,
        client_link=None,
        retry_href=error.retry_href,
    )

"""Pages in Flask: each answers with a page, whatever is refused and whatever goes wrong."""

from collections.abc import Callable, Mapping

import flask
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from authserver import adapter
from authserver.app import AuthServer
from authserver.endpoints import browser
from authserver.endpoints.page_error import PageError, error_page
from authserver.message import Endpoint
from authserver.oauth.errors import OAuthError

Page = Callable[[AuthServer, str, int], flask.Response]
_HTTP_TEXTS = {
    404: ("There is no such page", "The address is not one of this server."),
    405: ("This cannot be asked this way", "The page takes another kind of request."),
    413: ("The form is too large", "The form has more in it than any page here sends."),
}


def view(server: AuthServer, method: str, page: Page) -> Callable[[], flask.Response]:
    """Return the view of a page that is asked for by one method only."""

    def respond() -> flask.Response:
        if flask.request.method != method:  # the router takes HEAD for GET, but pages act
            raise MethodNotAllowed([method])
        return _show(server, page)

    return respond


def _show(server: AuthServer, page: Page) -> flask.Response:
    """Run a page and turn each refusal into a page of its own."""
    request_id, now = adapter.new_request_id(), server.clock()
    try:
        browser.check_host(server)
        return page(server, request_id, now)
    except PageError as error:
        refusal = error
    except OAuthError as error:
        heading = "This cannot be done now"
        refusal = PageError(error.status, heading, error.description, error.detail, error.headers)
    except HTTPException:
        raise
    except Exception as error:  # noqa: BLE001 - the edge: whatever it is, the user gets a page
        problem = adapter.unexpected(error, request_id)
        heading = "Something went wrong"
        refusal = PageError(
            problem.status, heading, problem.description, problem.detail, problem.headers
        )
    server.audit.emit(
        "page.refused",
        now=now,
        request_id=request_id,
        endpoint=flask.request.path,
        reason=refusal.detail or refusal.heading,
        address=adapter.peer_address(),
    )
    return error_page(server, refusal, request_id)


def http_error(
    server: AuthServer, machine: Mapping[str, Endpoint]
) -> Callable[[HTTPException], flask.Response]:
    """Return the handler of what no endpoint answered: unknown paths, wrong methods, bad hosts."""

    def respond(error: HTTPException) -> flask.Response:
        endpoint = machine.get(flask.request.path)
        if endpoint is not None:  # the router refused a host, which it ignores, or a method
            return adapter.view(server, endpoint)()
        status = error.code or 500
        page = PageError(status, *_HTTP_TEXTS.get(status, _HTTP_TEXTS[404]))
        response = error_page(server, page, adapter.new_request_id())
        for name, value in error.get_headers():
            if name == "Allow":
                response.headers[name] = value
        return response

    return respond

"""What answers at the URL of a feature that is switched off: RFC 9110 §15.5.5."""

from collections.abc import Iterable

from authserver.adapter import METHODS
from authserver.app import AuthServer
from authserver.endpoints import client_configuration, status_list, token_batch
from authserver.message import Endpoint, Request, Response
from authserver.oauth.errors import OAuthError

_TEXTS = {
    "/register": "Clients do not register here.",
    client_configuration.PATH: "Registrations are not managed here.",
    "/par": "Requests are not pushed here.",
    "/device_authorization": "Devices are not authorized here.",
    token_batch.PATH: "Tokens are not exchanged in batches here.",
    status_list.PATH: "No status list is published here.",
    "/backchannel-logout": "Logouts are not received here.",
}


def endpoints(mounted: Iterable[Endpoint]) -> list[Endpoint]:
    """Return one for each feature that is not mounted: in JSON, whatever the method."""
    paths = {each.path for each in mounted}
    return [_refusing(path, text) for path, text in _TEXTS.items() if path not in paths]


def _refusing(path: str, text: str) -> Endpoint:
    def refuse(_server: AuthServer, _request: Request) -> Response:
        raise OAuthError("invalid_request", text, status=404)

    return Endpoint(path, METHODS, refuse, cors=False, closed=True)

"""What both pages tell the user about the request: who asks, for which server, to do what."""

from typing import Any

from authserver.endpoints.flow import Flow
from authserver.oauth import client_document, redirect_uri, scope
from authserver.oauth.interaction import is_assured


def of(flow: Flow, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the facts in the words of the templates; `names` are the scopes that are offered."""
    request = flow.pending.request
    uri = redirect_uri.parse(request.redirect_uri)
    computer = f"an app on this computer ({uri.host})"
    assured = is_assured(flow.client, request.redirect_uri)
    return {
        "client_name": flow.client.display_name,
        "client_assurance": "verified" if assured else "unverified",
        "client_host": client_document.host_of(flow.client.client_id),
        "redirect_host": computer if uri.kind == "loopback" else uri.display,
        "redirect_is_local": uri.kind != "https",
        "resource_name": flow.resource.name,
        "resource_url": flow.resource.url,
        "scopes": [_scope(flow, name) for name in names],
    }


def _scope(flow: Flow, name: str) -> dict[str, object]:
    known = flow.resource.scopes.get(name)
    return {
        "name": name,
        "description": known.description if known else scope.STANDARD.get(name, name),
        "sensitive": known.sensitive if known else False,
        "required": name == "openid",
    }

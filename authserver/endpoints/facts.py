"""What both pages tell the user about the request: who asks, for which server, to do what."""

import time
from typing import Any

from authserver import addresses
from authserver.adapter import peer_address
from authserver.endpoints.flow import Flow
from authserver.oauth import client_document, redirect_uri, scope
from authserver.oauth.device_authorization import DeviceAuthorization
from authserver.oauth.interaction import is_assured, is_assured_device


def of(flow: Flow, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the facts in the words of the templates; `names` are the scopes that are offered."""
    return {
        "client_name": flow.client.display_name,
        "client_host": client_document.host_of(flow.client.client_id),
        **(_of_redirect(flow) if flow.device is None else _of_device(flow, flow.device)),
        "resource_name": flow.resource.name,
        "resource_url": flow.resource.url,
        "scopes": [_scope(flow, name) for name in names],
    }


def _of_redirect(flow: Flow) -> dict[str, Any]:
    uri = redirect_uri.parse(flow.pending.request.redirect_uri)
    computer = f"an app on this computer ({uri.host})"
    return {
        "client_assurance": _assurance(is_assured(flow.client, flow.pending.request.redirect_uri)),
        "redirect_host": computer if uri.kind == "loopback" else uri.display,
        "redirect_is_local": uri.kind != "https",
        "device": None,
    }


def _of_device(flow: Flow, device: DeviceAuthorization) -> dict[str, Any]:
    """Return where the request came from, by which a user sees a fraud (RFC 8628 §5.4)."""
    own, address = addresses.spelled(peer_address()), addresses.spelled(device.address)
    return {
        "client_assurance": _assurance(is_assured_device(flow.client)),
        "redirect_host": f"a device at {address}",
        "redirect_is_local": True,
        "device": {
            "address": address,
            "own_address": None if own == address else own,
            "asked_at": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(device.created_at)),
            "minutes": (flow.now - device.created_at) // 60,
        },
    }


def _assurance(assured: bool) -> str:  # noqa: FBT001
    return "verified" if assured else "unverified"


def _scope(flow: Flow, name: str) -> dict[str, object]:
    known = flow.resource.scopes.get(name)
    return {
        "name": name,
        "description": known.description if known else scope.STANDARD.get(name, name),
        "sensitive": known.sensitive if known else False,
        "required": name == "openid",
    }

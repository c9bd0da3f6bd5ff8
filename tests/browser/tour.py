"""Every page that a user can meet, one after the other"""

from collections.abc import Iterator

from tests.devices import Device

APP = "cursor://anysphere.cursor-mcp/oauth/callback"
# Words without a place to break: they must not widen a page.
WEB = f"https://{'averylonghost' * 4}.client.example/oauth/callback"
NAME = "Aclientwithanameaslongasnamesmaybeandnotonespace"


def tour(visitor, register) -> Iterator[str]:
    """Show each page in turn and give its name; the visitor's page is on it."""
    app, web = register(APP, NAME), register(WEB, NAME)
    visitor.open(app.authorize_url(scope="openid email issues:read issues:write"))
    yield "sign in"
    visitor.open(visitor.page.url + "&problem=unavailable")
    yield "sign in, after a failure"
    visitor.press("Continue with")
    yield "consent"
    visitor.press("Deny")
    yield "denied"
    visitor.turn_to_another_tab()
    visitor.to_consent(app)
    visitor.press("Approve")
    yield "approved"
    visitor.turn_to_another_tab()
    visitor.to_consent(app)
    yield "consent, remembered"
    visitor.to_consent(web)
    yield "consent for a site"
    visitor.open(web.authorize_url(resource="https://vault.example/mcp"))
    yield "no access"
    visitor.open(app.authorize_url(redirect_uri="https://elsewhere.example/"))
    yield "error"
    visitor.open(web.authorize_url(resource="https://elsewhere.example/mcp"))
    yield "error with a link"
    visitor.open(app.authorize_url(client_id="mcp-unknown"))
    yield "unknown client"
    yield from _device_tour(visitor)


def _device_tour(visitor) -> Iterator[str]:
    device = Device(visitor.site, {"client_name": NAME}).register()
    visitor.open(f"{visitor.site.issuer}/device")
    yield "device code"
    visitor.type_code("BBBB BBBB")
    yield "device code, wrong"
    visitor.type_code(device.ask().user_code)
    yield "consent for a device"
    visitor.press("Not you?")
    yield "sign in for a device"
    visitor.press("Continue with")
    visitor.press("Approve")
    yield "device approved"
    visitor.open(f"{visitor.site.issuer}/device")
    visitor.type_code(device.ask().user_code)
    visitor.press("Deny")
    yield "device denied"
    visitor.open(f"{visitor.site.issuer}/device")
    visitor.type_code(device.ask(resource="https://vault.example/mcp").user_code)
    yield "no access for a device"


PAGES = 18

"""Redirect URIs in the configuration: patterns, exact URIs, private schemes. RFC 8252 §7"""

import re

from authserver.oauth import redirect_uri
from authserver.oauth.errors import OAuthError
from authserver.oauth.redirect_uri import RedirectPattern
from authserver.settings.origin import Origin
from authserver.settings.problem import wrong

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,63}\Z")


def read_pattern(value: object, _origin: Origin) -> RedirectPattern:
    """Return an allowed shape of https redirect URIs."""
    remedy = 'write one such as "https://*.example.com/oauth/*"; * stays inside its component'
    if not isinstance(value, str):
        raise wrong("is not a pattern", remedy)
    try:
        pattern = redirect_uri.parse_pattern(value)
    except ValueError:
        raise wrong("is not a pattern", remedy) from None
    if pattern.scheme != "https":
        raise wrong("is a pattern for http", "leave it out: http on loopback is always allowed")
    if pattern.port.isdigit() and not 1 <= int(pattern.port) <= 65535:
        raise wrong("has a port that does not exist", "write 1 to 65535, or *")
    return pattern


def read_redirect_uri(value: object, _origin: Origin) -> str:
    """Return one exact https redirect URI."""
    remedy = 'write an exact https URI, such as "https://app.example.com/callback"'
    if not isinstance(value, str):
        raise wrong("is not a redirect URI", remedy)
    try:
        uri = redirect_uri.check_registrable(value)
    except OAuthError:
        raise wrong("is not a redirect URI", remedy) from None
    if uri.kind != "https":
        raise wrong("is not an https redirect URI", remedy)
    return uri.raw


def read_client_redirect_uri(value: object, _origin: Origin) -> str:
    """Return a redirect URI of a client in this file: https, loopback, or an app's own scheme."""
    try:
        return redirect_uri.check_registrable(value if isinstance(value, str) else "").raw
    except OAuthError as error:
        remedy = 'write an exact URI, such as "https://app.example.com/callback"'
        raise wrong("is not a redirect URI", f"{error.description} {remedy}") from None


def read_private_scheme(value: object, _origin: Origin) -> str:
    """Return a private-use URI scheme that no browser acts upon itself."""
    if not isinstance(value, str) or not _SCHEME.match(value) or value in ("http", "https"):
        raise wrong("is not a private scheme", 'write the scheme alone, such as "cursor"')
    try:
        redirect_uri.parse(f"{value}://callback")
    except OAuthError:
        raise wrong("is a scheme that is never allowed", "leave it out") from None
    return value

"""The members of client metadata, one reader for each: RFC 7591 §2."""

import re
from collections.abc import Collection, Mapping
from typing import Literal

from authserver.oauth import client_name, redirect_uri, scope
from authserver.oauth.errors import OAuthError
from authserver.oauth.redirect_uri import RedirectPolicy, RedirectUri

AuthMethod = Literal["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]
AUTH_METHODS: tuple[AuthMethod, ...] = ("none", "client_secret_basic", "client_secret_post")
PRIVATE_KEY_JWT: AuthMethod = "private_key_jwt"
GRANT_TYPES = ("authorization_code", "refresh_token")
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
MAX_REDIRECT_URIS = 10
MAX_NAME = 256

_WEB_MEMBERS = ("client_uri", "logo_uri", "tos_uri", "policy_uri")
_TEXT_MEMBERS = ("software_id", "software_version")
# A public name in ASCII, which ends in letters or xn--: no address, no host of the local network.
_WEB_URL = re.compile(
    r"https://(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z][A-Za-z0-9-]{1,62}(?::[0-9]{1,5})?"
    r"(?:[/?][\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]*)?\Z"
)


def read_ways(
    document: Mapping[str, object], redirect: RedirectPolicy, browserless: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return grant types, response types, and redirect URIs; without a browser only the first."""
    grant_types = read_grant_types(document.get("grant_types"), browserless)
    if "authorization_code" not in grant_types:
        return grant_types, (), ()
    uris = read_redirect_uris(document.get("redirect_uris"), redirect)
    return grant_types, read_response_types(document.get("response_types")), uris


def read_redirect_uris(value: object, policy: RedirectPolicy) -> tuple[str, ...]:
    """Return those that the policy allows; raises `invalid_redirect_uri`.

    A malformed or hostile member refuses all; one that is merely not allowed here is left out.
    """
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_REDIRECT_URIS:
        raise OAuthError("invalid_redirect_uri", "redirect_uris must be an array of 1 to 10 URIs.")
    parsed = [_redirect_uri(index, member) for index, member in enumerate(value)]
    allowed = tuple(dict.fromkeys(uri.raw for uri in parsed if policy.allows(uri)))
    if not allowed:
        raise OAuthError("invalid_redirect_uri", "No member of redirect_uris is allowed here.")
    return allowed


def read_name(value: object) -> str | None:
    """Return the name, cleaned of what does not belong before people's eyes."""
    text = _text("client_name", value)
    name = None if text is None else client_name.clean(text)
    if name is not None and len(name) > MAX_NAME:  # some characters are longer in NFC
        raise _bad("client_name is too long.")
    return name


def read_auth_method(value: object, *, wants_secret: bool) -> AuthMethod:
    """Return the method; some clients say `none` and then want a secret (`wants_secret`)."""
    if value in (None, "", "none"):
        return "client_secret_post" if wants_secret else "none"
    method = next((each for each in (*AUTH_METHODS, PRIVATE_KEY_JWT) if each == value), None)
    if method is None:
        raise _bad("token_endpoint_auth_method is not supported.")
    return method


def read_grant_types(value: object, browserless: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return those that this server has; unknown ones are left out.

    A client may live on one that is `browserless`, as that of devices (RFC 8628).
    """
    names = _strings("grant_types", value)
    if names is None:
        return GRANT_TYPES
    if not {"authorization_code", *browserless} & set(names):
        raise _bad("grant_types must include authorization_code.")
    return scope.keep((*GRANT_TYPES, *browserless), names)


def read_response_types(value: object) -> tuple[str, ...]:
    """Return `code`, the only one there is."""
    names = _strings("response_types", value)
    if names is not None and "code" not in names:
        raise _bad("response_types must include code.")
    return ("code",)


def read_scope(
    value: object, supported: Collection[str], baseline: tuple[str, ...]
) -> tuple[str, ...] | None:
    """Return the supported ones with the baseline; None is a client that may ask for any."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise _bad("scope must be a string.")
    try:
        names = scope.parse(value)
    except OAuthError as error:
        raise _bad(error.description) from None
    known = scope.keep(dict.fromkeys((*names, *baseline)), supported)
    # All of them unknown: as good as none named, so that the user is not locked out.
    return known or None


def read_application_type(value: object) -> str | None:
    """Return `web` or `native`; nothing depends on it."""
    text = _text("application_type", value)
    return text if text in ("web", "native") else None


def read_flag(name: str, document: Mapping[str, object], *, has: bool) -> bool:
    """Return a member that is true or false; what this server does not have is refused.

    Dropping it would give the client less protection than it asked for (RFC 9126 §6, RFC 9449
    §5.2). Left out, it is false.
    """
    value = document.get(name)
    if value is not None and not isinstance(value, bool):
        raise _bad(f"{name} must be true or false.")
    if value and not has:
        raise _bad(f"{name} is not supported.")
    return bool(value)


def read_other(document: Mapping[str, object]) -> dict[str, str]:
    """Return the members that are only kept and repeated; unusable values are left out."""
    kept: dict[str, str] = {}
    for name in _TEXT_MEMBERS:
        text = _text(name, document.get(name))
        if text and text.isprintable():
            kept[name] = text
    for name in _WEB_MEMBERS:
        url = _text(name, document.get(name), redirect_uri.MAX_LENGTH)
        if url and _WEB_URL.match(url):
            kept[name] = url
    return kept


def _redirect_uri(index: int, member: object) -> RedirectUri:
    if not isinstance(member, str):
        raise OAuthError("invalid_redirect_uri", "redirect_uris must be an array of strings.")
    try:
        return redirect_uri.check_registrable(member)
    except OAuthError as error:
        raise OAuthError(error.code, f"redirect_uris[{index}]: {error.description}") from None


def _text(name: str, value: object, limit: int = MAX_NAME) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > limit:
        raise _bad(f"{name} must be a string of at most {limit} characters.")
    return value or None


def _strings(name: str, value: object) -> list[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _bad(f"{name} must be an array of strings.")
    return value or None


def _bad(description: str) -> OAuthError:
    return OAuthError("invalid_client_metadata", description)

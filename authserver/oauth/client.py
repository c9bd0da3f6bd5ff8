"""What a client says about itself: RFC 7591 §2, §3.2."""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from authserver.oauth import redirect_uri, scope
from authserver.oauth.errors import OAuthError
from authserver.oauth.redirect_uri import RedirectPolicy

AuthMethod = Literal["none", "client_secret_basic", "client_secret_post"]
AUTH_METHODS: tuple[AuthMethod, ...] = ("none", "client_secret_basic", "client_secret_post")
GRANT_TYPES = ("authorization_code", "refresh_token")
MAX_REDIRECT_URIS = 10
MAX_NAME = 256

_PRIVATE_JWK_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_WEB_MEMBERS = ("client_uri", "logo_uri", "tos_uri", "policy_uri")
_TEXT_MEMBERS = ("software_id", "software_version")
_WEB_URL = re.compile(r"https://[A-Za-z0-9.-]+(?::\d{1,5})?(?:[/?][\x21\x23-\x5b\x5d-\x7e]*)?\Z")


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client; `secret_digest` is the SHA-256 of its secret, None for a public one."""

    client_id: str
    redirect_uris: tuple[str, ...]
    client_name: str | None = None
    token_endpoint_auth_method: AuthMethod = "none"
    grant_types: tuple[str, ...] = GRANT_TYPES
    response_types: tuple[str, ...] = ("code",)
    scope: tuple[str, ...] | None = None
    application_type: str | None = None
    other: Mapping[str, str] = field(default_factory=dict)
    secret_digest: str | None = field(default=None, repr=False)
    registered_at: int = 0
    preregistered: bool = False

    @property
    def display_name(self) -> str:
        """Return the name that the user is shown."""
        return self.client_name or "An application without a name"


@dataclass(frozen=True, slots=True)
class RegistrationPolicy:
    """What open registration allows; every value stands in `[registration]`.

    `confidential_redirect_uris` are exact URIs whose clients say `none` and then want a secret.
    """

    enabled: bool = True
    redirect: RedirectPolicy = RedirectPolicy()
    scopes_supported: tuple[str, ...] = ()
    default_client_scopes: tuple[str, ...] = ()
    confidential_redirect_uris: frozenset[str] = frozenset()
    unused_lifetime: int = 7 * 86400
    idle_lifetime: int = 90 * 86400


def parse(document: Mapping[str, object], policy: RegistrationPolicy) -> Client:
    """Turn client metadata into a `Client` without id and secret.

    Raises `invalid_redirect_uri` or `invalid_client_metadata`. What this server does not know is
    ignored; values it does not support are dropped where the rest still works (RFC 7591 §2).
    """
    uris = _redirect_uris(document.get("redirect_uris"), policy.redirect)
    _check_keys(document)
    return Client(
        client_id="",
        redirect_uris=uris,
        client_name=_name(document.get("client_name")),
        token_endpoint_auth_method=_auth_method(document, uris, policy),
        grant_types=_grant_types(document.get("grant_types")),
        response_types=_response_types(document.get("response_types")),
        scope=_scope(document.get("scope"), policy),
        application_type=_application_type(document.get("application_type")),
        other=_other(document),
    )


def echo(client: Client, scopes_supported: tuple[str, ...]) -> dict[str, object]:
    """Return the members of a registration response (RFC 7591 §3.2.1): what is unset is absent."""
    document: dict[str, object] = {
        "client_id": client.client_id,
        "client_id_issued_at": client.registered_at,
        "redirect_uris": list(client.redirect_uris),
        "token_endpoint_auth_method": client.token_endpoint_auth_method,
        "grant_types": list(client.grant_types),
        "response_types": list(client.response_types),
        "scope": scope.join(scopes_supported if client.scope is None else client.scope),
    }
    if client.client_name:
        document["client_name"] = client.client_name
    if client.application_type:
        document["application_type"] = client.application_type
    return {**document, **client.other}


def registered(client: Client, client_id: str, secret: str | None, now: int) -> Client:
    """Return the client as it is stored: with its id and the digest of its secret."""
    digest = None if secret is None else secret_digest(secret)
    return replace(client, client_id=client_id, secret_digest=digest, registered_at=now)


def secret_digest(secret: str) -> str:
    """Return the SHA-256 of a 256-bit random secret, in hex; no slow hash is needed for one."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def digest(client: Client) -> str:
    """Return what a remembered consent depends on: name, redirect URIs and keys of the client."""
    text = "\n".join((client.display_name, *sorted(client.redirect_uris)))
    return hmac.new(b"client", text.encode(), hashlib.sha256).hexdigest()


def _redirect_uris(value: object, policy: RedirectPolicy) -> tuple[str, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_REDIRECT_URIS:
        raise OAuthError("invalid_redirect_uri", "redirect_uris must be an array of 1 to 10 URIs.")
    if not all(isinstance(uri, str) for uri in value):
        raise OAuthError("invalid_redirect_uri", "redirect_uris must be an array of strings.")
    parsed = [redirect_uri.check_registrable(uri) for uri in dict.fromkeys(value)]
    allowed = tuple(uri.raw for uri in parsed if policy.allows(uri))
    if not allowed:
        raise OAuthError("invalid_redirect_uri", "No member of redirect_uris is allowed here.")
    return allowed


def _check_keys(document: Mapping[str, object]) -> None:
    jwks = document.get("jwks")
    if jwks is not None and "jwks_uri" in document:
        raise _bad("jwks and jwks_uri must not be used together.")
    if jwks is None:
        return
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise _bad("jwks must be a JSON Web Key Set.")
    if any(_PRIVATE_JWK_MEMBERS & set(key) for key in keys):
        raise _bad("jwks must hold public keys only.")


def _name(value: object) -> str | None:
    text = _text("client_name", value)
    if text is None:
        return None
    # Categories C* are controls, bidi overrides, zero-width characters: a name must not act.
    visible = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    return " ".join(unicodedata.normalize("NFC", visible).split()) or None


def _auth_method(
    document: Mapping[str, object], uris: tuple[str, ...], policy: RegistrationPolicy
) -> AuthMethod:
    value = document.get("token_endpoint_auth_method")
    method = next((each for each in AUTH_METHODS if each == value), None)
    if value in (None, "", "none"):
        # Some clients say `none` and then demand a secret: the operator names their redirect URIs.
        wants_secret = bool(policy.confidential_redirect_uris & set(uris))
        return "client_secret_post" if wants_secret else "none"
    if method is None:
        raise _bad("token_endpoint_auth_method is not supported.")
    return method


def _grant_types(value: object) -> tuple[str, ...]:
    names = _strings("grant_types", value)
    if names is None:
        return GRANT_TYPES
    if "authorization_code" not in names:
        raise _bad("grant_types must include authorization_code.")
    return scope.keep(GRANT_TYPES, names)


def _response_types(value: object) -> tuple[str, ...]:
    names = _strings("response_types", value)
    if names is not None and "code" not in names:
        raise _bad("response_types must include code.")
    return ("code",)


def _scope(value: object, policy: RegistrationPolicy) -> tuple[str, ...] | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise _bad("scope must be a string.")
    try:
        names = scope.parse(value)
    except OAuthError as error:
        raise _bad(error.description) from None
    known = scope.keep(dict.fromkeys((*names, *policy.default_client_scopes)), policy.scopes_supported)
    # All of them unknown: as good as none named, so that the user is not locked out.
    return known or None


def _application_type(value: object) -> str | None:
    text = _text("application_type", value)
    return text if text in ("web", "native") else None


def _other(document: Mapping[str, object]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for name in _TEXT_MEMBERS:
        text = _text(name, document.get(name))
        if text and text.isprintable():
            kept[name] = text
    for name in _WEB_MEMBERS:
        value = document.get(name)
        if isinstance(value, str) and len(value) <= redirect_uri.MAX_LENGTH and _WEB_URL.match(value):
            kept[name] = value
    return kept


def _text(name: str, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > MAX_NAME:
        raise _bad(f"{name} must be a string of at most {MAX_NAME} characters.")
    return value or None


def _strings(name: str, value: object) -> list[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _bad(f"{name} must be an array of strings.")
    return value or None


def _bad(description: str) -> OAuthError:
    return OAuthError("invalid_client_metadata", description)

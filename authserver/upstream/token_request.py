"""A code for tokens: RFC 6749 §4.1.3, §5.1, §5.2; OpenID Connect Core 1.0 §3.1.3"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from authserver.oauth import claim
from authserver.settings.upstream import TokenFields, Upstream
from authserver.upstream import authorization_request
from authserver.upstream.errors import UpstreamError, UpstreamUnavailable
from authserver.upstream.session import Answer, Deadline, UpstreamSession

# What may be repeated: RFC 6749 §5.2, and GitHub's words for the same.
_ERRORS = frozenset(
    {
        "bad_refresh_token",
        "bad_verification_code",
        "consent_required",
        "incorrect_client_credentials",
        "interaction_required",
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "login_required",
        "redirect_uri_mismatch",
        "unauthorized_client",
        "unsupported_grant_type",
    }
)
COME_BACK_LATER = frozenset({408, 425, 429})
_VISIBLE = re.compile(r"[\x21-\x7e]+\Z")  # RFC 6750 §2.1; it becomes a header
_SEPARATORS = re.compile(r"[ ,]+")  # GitHub and Slack answer with commas
_DIGITS = re.compile(r"[0-9]{1,12}\Z")
_MAX_LIFETIME = 2**40


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the provider gave for a code; nothing in it is verified yet.

    `expires_in` is seconds; it and `scope` are None where the provider did not say.
    """

    access_token: str = field(repr=False)
    id_token: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_in: int | None = None
    scope: tuple[str, ...] | None = None


def redeem(
    session: UpstreamSession,
    token_endpoint: str,
    headers: Mapping[str, str],
    form: Mapping[str, str],
    deadline: Deadline,
) -> Mapping[str, object]:
    """Send the token request once and return its answer.

    Raises UpstreamError if it is refused, else UpstreamUnavailable.
    """
    answer = session.post("token endpoint", token_endpoint, deadline, headers, form)
    if 400 <= answer.status < 500 and answer.status not in COME_BACK_LATER:
        raise _refused(answer.status, _error_code(answer))
    if answer.status != 200:
        raise UpstreamUnavailable(f"token endpoint: the answer is {answer.status}")
    document = answer.json_object()
    if "error" in document:  # some send errors with 200
        raise _refused(200, _registered(document["error"]))
    return document


def repeated_scope(
    settings: Upstream, kept_scopes: tuple[str, ...] | None = None
) -> Mapping[str, str]:
    """Return the scope once more, for providers whose token endpoint wants it."""
    if not settings.token_request_scope:
        return {}
    return {"scope": " ".join(authorization_request.scopes(settings, kept_scopes))}


def tokens(document: Mapping[str, object], fields: TokenFields) -> Tokens:
    """Return the tokens of an answer; raises UpstreamError where there is no access token."""
    access_token = _token(document, fields.access_token)
    token_type = document.get("token_type", "Bearer")
    if access_token is None:
        raise UpstreamError("access_token_invalid", "access_token is missing or not a token")
    # Where tokens are nested, the type at the top is that of another one.
    is_nested = "." in fields.access_token
    if not is_nested and not (isinstance(token_type, str) and token_type.lower() == "bearer"):
        raise UpstreamError("access_token_invalid", "token_type is not Bearer")
    return Tokens(
        access_token=access_token,
        id_token=_text(document.get("id_token")),
        refresh_token=_token(document, fields.refresh_token),
        expires_in=_lifetime(claim.find(document, fields.expires_in)),
        scope=_scope(claim.find(document, fields.scope)),
    )


def id_token(found: Tokens) -> str:
    """Return the ID token; raises UpstreamError where there is none."""
    if found.id_token is None:
        raise UpstreamError("id_token_missing", "the answer has no ID token; is openid granted?")
    return found.id_token


def _token(document: Mapping[str, object], path: str) -> str | None:
    value = claim.find(document, path)
    return value if isinstance(value, str) and _VISIBLE.match(value) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.isascii() else None


def _lifetime(value: object) -> int | None:
    if isinstance(value, str) and _DIGITS.match(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 < value < _MAX_LIFETIME else None


def _scope(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, str):
        return None
    return tuple(name for name in _SEPARATORS.split(value) if name)


def _refused(status: int, said: str) -> UpstreamError:
    error_code = said if said in _ERRORS else ""
    return UpstreamError("upstream_refused", f"{status} {said}", error_code)


def _error_code(answer: Answer) -> str:
    try:
        return _registered(answer.json_object().get("error"))
    except UpstreamUnavailable:
        return "without an error code"


def _registered(error: object) -> str:
    """Return the error code if it is a known one: anything else may quote our request."""
    return error if isinstance(error, str) and error in _ERRORS else "unregistered error code"

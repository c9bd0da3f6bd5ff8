"""A code for tokens: RFC 6749 §4.1.3, §5.2; OpenID Connect Core 1.0 §3.1.3"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from authserver.upstream.errors import UpstreamError, UpstreamUnavailable
from authserver.upstream.session import Answer, Deadline, UpstreamSession

_ERRORS = frozenset(
    {
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_grant_type",
    }
)
_COME_BACK_LATER = frozenset({408, 425, 429})
_VISIBLE = re.compile(r"[\x21-\x7e]+\Z")  # RFC 6750 §2.1; it becomes a header


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the provider gave for a code; neither token is verified yet."""

    access_token: str = field(repr=False)
    id_token: str = field(repr=False)


def redeem(
    session: UpstreamSession,
    token_endpoint: str,
    headers: Mapping[str, str],
    form: Mapping[str, str],
    deadline: Deadline,
) -> Tokens:
    """Send the token request once; raises UpstreamError if refused, else UpstreamUnavailable."""
    answer = session.post("token endpoint", token_endpoint, deadline, headers, form)
    if 400 <= answer.status < 500 and answer.status not in _COME_BACK_LATER:
        raise UpstreamError("upstream_refused", f"{answer.status} {_error_code(answer)}")
    if answer.status != 200:
        raise UpstreamUnavailable(f"token endpoint: the answer is {answer.status}")
    document = answer.json_object()
    if "error" in document:  # some send errors with 200
        raise UpstreamError("upstream_refused", f"200 {_registered(document['error'])}")
    return _parse(document)


def _parse(document: Mapping[str, object]) -> Tokens:
    access_token, token_type = document.get("access_token"), document.get("token_type", "Bearer")
    id_token = document.get("id_token")
    if not isinstance(access_token, str) or not _VISIBLE.match(access_token):
        raise UpstreamError("access_token_invalid", "access_token is missing or not a token")
    if not isinstance(token_type, str) or token_type.lower() != "bearer":
        raise UpstreamError("access_token_invalid", "token_type is not Bearer")
    if not isinstance(id_token, str) or not id_token.isascii():
        raise UpstreamError("id_token_missing", "the answer has no ID token; is openid granted?")
    return Tokens(access_token, id_token)


def _error_code(answer: Answer) -> str:
    try:
        return _registered(answer.json_object().get("error"))
    except UpstreamUnavailable:
        return "without an error code"


def _registered(error: object) -> str:
    """Return the error code if it is a registered one: anything else may quote our request."""
    return error if isinstance(error, str) and error in _ERRORS else "unregistered error code"

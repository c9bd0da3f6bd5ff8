"""The second exchange, at an authorization server elsewhere: RFC 8693 §2, RFC 6749 §2.3.1"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from authserver.kept import Kept
from authserver.oauth import scope as scopes
from authserver.oauth.exchange_request import ACCESS_TOKEN, GRANT_TYPE, MAX_TOKEN
from authserver.settings.external_service import ExternalService
from authserver.upstream.bulkhead import Bulkhead
from authserver.upstream.errors import UpstreamError, UpstreamUnavailable
from authserver.upstream.session import Answer, Deadline, UpstreamSession

UNKNOWN_LIFETIME = 300  # seconds after which to ask again, where nobody said when it expires
_LONGEST = 24 * 3600  # however long it says that a token lives, it is not kept for longer
_OF_THE_USER = frozenset({"invalid_grant", "invalid_request", "access_denied"})


@dataclass(frozen=True, slots=True)
class ServiceToken:
    """What the service issued; `expires_at` is in epoch seconds."""

    access_token: str = field(repr=False)
    issued_token_type: str
    token_type: str
    scope: tuple[str, ...]
    expires_at: int


class ExternalServiceClient:
    """One service; its tokens are kept until 80 % of their life, for one subject and scope each.

    Of so many `calls` each thread that waits for it holds one: if it hangs, it is no other's
    trouble.
    """

    def __init__(self, settings: ExternalService, calls: int) -> None:
        self._settings = settings
        self._session = UpstreamSession(settings.ca_file)
        self._bulkhead = Bulkhead(calls)
        self._kept: Kept[ServiceToken] = Kept()

    @property
    def settings(self) -> ExternalService:
        """Return what is configured about it."""
        return self._settings

    def exchange(
        self, subject_token: str, scope: tuple[str, ...], now: int, *, whose: str | None = None
    ) -> ServiceToken:
        """Return a token of the service for the subject token.

        `whose` names the subject where its token is a new one each time. Raises UpstreamError where
        the service says no, UpstreamUnavailable where it says nothing.
        """
        parts = "\0".join((whose or subject_token, *sorted(scope)))
        key = hashlib.sha256(parts.encode("utf-8", "replace")).hexdigest()

        def fetch() -> tuple[ServiceToken, int]:
            token = _read(self._ask(subject_token, scope), scope, now)
            return token, min(token.expires_at, now + _LONGEST)

        found = self._kept.find(key, now)
        if found is not None:
            return found
        with self._bulkhead.call():  # also for those who wait while another one asks
            return self._kept.get(key, now, fetch)

    def close(self) -> None:
        """Close the idle connections."""
        self._session.close()

    def _ask(self, subject_token: str, scope: tuple[str, ...]) -> Answer:
        settings = self._settings
        headers, proof = _authenticate(settings)
        form = {
            "grant_type": GRANT_TYPE,
            "subject_token": subject_token,
            "subject_token_type": settings.subject_token_type,
            "requested_token_type": ACCESS_TOKEN,
            "audience": settings.audience,
            "resource": settings.resource,
            "scope": scopes.join(scope) or None,
            **proof,
        }
        sent = {name: value for name, value in form.items() if value is not None}
        deadline = Deadline(settings.request_timeout)
        return self._session.post(settings.name, settings.token_url, deadline, headers, sent)


def _authenticate(settings: ExternalService) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return the headers and the members of the form by which we prove ourselves."""
    client_id, client_secret = settings.client_id or "", settings.client_secret or ""
    if settings.client_auth == "client_secret_basic":
        pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}, {}
    if settings.client_auth == "client_secret_post":
        return {}, {"client_id": client_id, "client_secret": client_secret}
    return {}, {"client_id": client_id} if client_id else {}


def _read(answer: Answer, asked: tuple[str, ...], now: int) -> ServiceToken:
    """Return the token of an answer that says all it must, and no more than was asked for."""
    if answer.status == 429 or answer.status >= 500:
        raise UpstreamUnavailable(f"{answer.what}: the answer is {answer.status}")
    document = answer.json_object()
    error = document.get("error")
    if answer.status != 200 or error is not None:
        code = error if isinstance(error, str) and error in _OF_THE_USER else ""
        raise UpstreamError("service_refused", f"the answer is {answer.status}", code)
    token, kind = document.get("access_token"), document.get("token_type")
    if not _is_line(token) or not _is_line(kind):
        raise UpstreamUnavailable(f"{answer.what}: no access_token or token_type")
    issued = document.get("issued_token_type", ACCESS_TOKEN)
    return ServiceToken(
        access_token=str(token),
        issued_token_type=str(issued) if _is_line(issued) else ACCESS_TOKEN,
        token_type=str(kind),
        scope=_granted(document.get("scope"), asked),
        expires_at=now + _lifetime(document.get("expires_in")),
    )


def _granted(said: object, asked: tuple[str, ...]) -> tuple[str, ...]:
    """Return the scope of the token; who says nothing granted what was asked for (§2.2.1)."""
    granted = tuple(said.split()) if isinstance(said, str) else asked
    if not isinstance(said, str | None) or not set(granted) <= set(asked):
        raise UpstreamError("service_scope", "more was granted than was asked for, or nobody knows")
    return granted


def _is_line(value: object) -> bool:
    """Say whether it is a text that a header can hold, and of which many can be kept."""
    is_text = isinstance(value, str) and 0 < len(value) <= MAX_TOKEN
    return is_text and str(value).isascii() and str(value).isprintable()


def _lifetime(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return UNKNOWN_LIFETIME
    digits = str(value)  # some write the number as a text
    is_number = digits.isascii() and digits.isdigit() and len(digits) < 10
    return int(digits) if is_number else UNKNOWN_LIFETIME

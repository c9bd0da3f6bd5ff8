"""What comes next in an authorization: sign in, consent, answer or refuse: OAuth 2.1 §4.1."""

from dataclasses import dataclass, field
from typing import Literal

from authserver.oauth import client_document, redirect_uri
from authserver.oauth.authorization import AuthorizationRequest
from authserver.oauth.client import Client
from authserver.oauth.errors import OAuthError

PENDING_LIFETIME = 600
SESSION_LIFETIME = 12 * 3600
SESSION_IDLE_LIFETIME = 3600

Status = Literal["pending", "approved", "denied"]


@dataclass(frozen=True, slots=True)
class PendingAuthorization:
    """A request on its way through login and consent, owned by one browser.

    `epochs` is the sum of the epochs that concern it so far (its client), see `oauth.epoch`.
    `device_digest` names the device that asks, where its user typed its code: nobody is sent back.
    `network_digest` is of the network that asked.
    """

    id: str
    request: AuthorizationRequest
    binding_digest: str = field(repr=False)
    network_digest: str
    epochs: int
    created_at: int
    expires_at: int
    status: Status = "pending"
    device_digest: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A user signed in at one browser; `digest` is the SHA-256 of the cookie's value.

    `auth_time` is when the upstream last saw the user prove who they are. `signed_in_for` is the
    id of the pending authorization that the sign-in was for: what that one demanded of a sign-in
    is met by it, what another demands may not be.
    """

    digest: str = field(repr=False)
    sub: str
    auth_time: int
    created_at: int
    last_seen_at: int
    epochs: int = 0
    upstream_sid: str | None = None
    signed_in_for: str = ""

    def expired(self, now: int) -> bool:
        """Say whether the session is past its absolute or idle end."""
        return (
            now >= self.created_at + SESSION_LIFETIME
            or now >= self.last_seen_at + SESSION_IDLE_LIFETIME
        )


@dataclass(frozen=True, slots=True)
class RememberedConsent:
    """A decision of this user for this client, redirect URI and resource."""

    scope: tuple[str, ...]
    client_digest: str
    granted_at: int

    def covers(self, scope: tuple[str, ...], client_digest: str) -> bool:
        """Say whether it covers a request for this: nothing new, and the client is what it was."""
        return set(scope) <= set(self.scope) and self.client_digest == client_digest


@dataclass(frozen=True, slots=True)
class SignIn:
    """The user has to sign in."""


@dataclass(frozen=True, slots=True)
class AskConsent:
    """The user has to decide about this scope; `remembered` shortens the page, never skips it."""

    scope: tuple[str, ...]
    remembered: bool


@dataclass(frozen=True, slots=True)
class Deny:
    """The policy gives the user nothing of what is asked: a page says so."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The request is answered with a code for this scope, without another page."""

    scope: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refuse:
    """The request is answered with an error."""

    error: OAuthError


Step = SignIn | AskConsent | Deny | Answer | Refuse


def is_assured(client: Client, redirect_uri_: str) -> bool:
    """Say whether the client's identity is proven, and it is reached by https.

    It was registered by the operator, or published by the host that its id names.
    """
    known = client.preregistered or client_document.is_url(client.client_id)
    return known and redirect_uri.parse(redirect_uri_).kind == "https"


def is_assured_device(client: Client) -> bool:
    """Say whether a device is proven to be the client: no address answers for a public one."""
    known = client.preregistered or client_document.is_url(client.client_id)
    return known and client.token_endpoint_auth_method != "none"


def next_step(
    pending: PendingAuthorization,
    client: Client,
    session: Session | None,
    allowed: tuple[str, ...] | None,
    remembered: bool,  # noqa: FBT001 - one of the facts that the step depends on
    now: int,
    *,
    connected: bool = True,
) -> Step:
    """Return the next step of a pending authorization.

    `allowed` is what of the request the policy lets this user have (None: denied), `remembered`
    says that a stored consent covers that. Only an assured client is answered from memory
    (RFC 9700 §4.11.2; MCP: consent per dynamically registered client). `connected` says that the
    upstream tokens which the resource asks for are at hand: else the user goes there again.
    """
    prompt = pending.request.prompt
    silent = "none" in prompt
    if session is None or not _fresh(pending, session, now):
        return Refuse(_login_required()) if silent else SignIn()
    if allowed is None:
        return Refuse(not_allowed()) if silent else Deny()
    if not connected:
        return Refuse(_login_required()) if silent else SignIn()
    if pending.device_digest is not None:  # whoever typed its code is asked each time
        return AskConsent(allowed, remembered=False)
    if remembered and "consent" not in prompt and is_assured(client, pending.request.redirect_uri):
        return Answer(allowed)
    return Refuse(_consent_required()) if silent else AskConsent(allowed, remembered)


def not_allowed() -> OAuthError:
    """Return what the client is told of a user whom the policy denies what it asked for."""
    return OAuthError(
        "access_denied", "The user may not use the resource in this way.", detail="policy_denied"
    )


def _fresh(pending: PendingAuthorization, session: Session, now: int) -> bool:
    if session.expired(now):
        return False
    if session.signed_in_for == pending.id:
        return True
    if pending.request.prompt & {"login", "select_account"}:
        return False
    max_age = pending.request.max_age
    return max_age is None or now - session.auth_time <= max_age


def _login_required() -> OAuthError:
    return OAuthError("login_required", "The user is not signed in.")


def _consent_required() -> OAuthError:
    return OAuthError("consent_required", "The user has not approved this request.")

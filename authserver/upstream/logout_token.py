"""The logout token and every check on it: OpenID Connect Back-Channel Logout 1.0 §2.4, §2.6"""

from collections.abc import Mapping
from dataclasses import dataclass

from authserver.oauth import claim, epoch, opaque
from authserver.settings import OidcUpstream
from authserver.upstream import id_token
from authserver.upstream.bulkhead import Bulkhead
from authserver.upstream.cached import Cached
from authserver.upstream.discovery import ProviderMetadata
from authserver.upstream.errors import UpstreamError
from authserver.upstream.session import Deadline
from authserver.upstream.signature import SignatureVerifier

EVENT = "http://schemas.openid.net/event/backchannel-logout"
# Typing is recommended only (§2.4). What else we get is told apart: ID tokens have a nonce.
TYPES = frozenset({"jwt", "logout+jwt"})
_NO_END = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Logout:
    """Who was logged out: one session at the upstream, or without a `sid` the user altogether.

    `digest` names the token, `expires_at` is the epoch second from which no copy is accepted.
    """

    issuer: str
    subject: str | None
    sid: str | None
    digest: str
    expires_at: int

    @property
    def ends(self) -> str:
        """Return what has ended, as `sign_in_names` would call it."""
        return sign_in_names(self.issuer, self.subject or "", self.sid)[-1]


@dataclass(frozen=True, slots=True)
class LogoutTokens:
    """Verifies logout tokens; all but those with a new key without asking the provider."""

    settings: OidcUpstream
    provider: Cached[ProviderMetadata]
    signature: SignatureVerifier
    bulkhead: Bulkhead

    def verify(self, token: str, now: int) -> Logout:
        """Return what the token says; raises UpstreamError, or UpstreamUnavailable without keys."""

        def attempt(deadline: Deadline) -> Logout:
            provider = self.provider.get(deadline)
            claims, _ = self.signature.verified_claims(token, provider, deadline, TYPES)
            return check(claims, provider.issuer, self.settings, now)

        return self.bulkhead.ask_if_needed(attempt, self.settings.request_timeout)


def check(claims: Mapping[str, object], issuer: str, settings: OidcUpstream, now: int) -> Logout:
    """Check the claims of a verified logout token; raises UpstreamError with the first failure."""
    id_token.check_issuer(claims, issuer, settings.tenants)
    id_token.check_audience(claims, settings.client_id)
    # The first edition knew no exp. Without one it ends as an ID token does: by its age.
    id_token.check_times({"exp": _NO_END, **claims}, now, settings.clock_skew)
    _check_event(claims)
    subject, sid = _subject(claims, settings.subject_claim), _name(claims, "sid")
    if subject is None and sid is None:
        raise UpstreamError("logout_token_subject", "it names neither a user nor a session")
    jti = _name(claims, "jti")
    if jti is None:
        raise UpstreamError("logout_token_malformed", "jti is missing")
    actual_issuer = str(claims["iss"])
    return Logout(
        issuer=actual_issuer,
        subject=subject,
        sid=sid,
        digest=opaque.digest(f"{actual_issuer}\0{jti}"),
        expires_at=_end(claims, settings.clock_skew),
    )


def sign_in_names(issuer: str, subject: str, sid: str | None) -> tuple[str, ...]:
    """Return by what names a sign-in ends: its user's, and its session's where it has one."""
    user = "upstream-user:" + opaque.digest(f"{issuer}\0{subject}")
    return (user,) if sid is None else (user, epoch.upstream_session(sid))


def _check_event(claims: Mapping[str, object]) -> None:
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise UpstreamError("logout_token_event", "it is not about a logout")
    if "nonce" in claims:  # an ID token, whatever else it says
        raise UpstreamError("logout_token_nonce", "it has a nonce")


def _subject(claims: Mapping[str, object], subject_claim: str) -> str | None:
    """Return the user as the ID tokens name them; of another claim the sub would be nobody's."""
    if "sub" in claims:
        id_token.check_subject(claims["sub"])
    found = claim.find(claims, subject_claim)
    return None if found is None else id_token.check_subject(found)


def _name(claims: Mapping[str, object], member: str) -> str | None:
    value = claims.get(member)
    if member not in claims:
        return None
    if not isinstance(value, str) or not value or not value.isprintable():
        raise UpstreamError("logout_token_malformed", f"{member} is no line of text")
    return value


def _end(claims: Mapping[str, object], leeway: int) -> int:
    """Return from when the token is refused for its times alone, which are checked."""
    issued_at = id_token.moment(claims["iat"]) or 0
    expires_at = id_token.moment(claims.get("exp", _NO_END)) or 0
    return int(min(issued_at + id_token.MAX_AGE, expires_at + leeway)) + 1

"""The one upstream as the server sees it, whatever it speaks: OIDC Core 1.0, RFC 6749"""

from dataclasses import replace
from typing import Protocol

from authserver.settings import OidcUpstream
from authserver.settings import Upstream as UpstreamSettings
from authserver.upstream.bulkhead import DEFAULT_CALLS, Bulkhead
from authserver.upstream.identity import UpstreamIdentity
from authserver.upstream.logout_token import LogoutTokens
from authserver.upstream.oauth2 import OAuth2UpstreamClient
from authserver.upstream.oidc import OidcUpstreamClient
from authserver.upstream.subject_token import SubjectTokens
from authserver.upstream.token_request import Tokens


class Upstream(Protocol):
    """A client of the one identity provider, shared by all threads."""

    @property
    def logout_tokens(self) -> LogoutTokens | None:
        """Return what verifies the provider's logout tokens, None of one that knows none."""

    @property
    def subject_tokens(self) -> SubjectTokens | None:
        """Return what verifies the provider's tokens in an exchange, None without such tokens."""

    def authorization_url(
        self,
        *,
        state: str,
        nonce: str,
        code_verifier: str,
        login_hint: str | None = None,
        prompt: str | None = None,
        max_age: int | None = None,
        kept_scopes: tuple[str, ...] | None = None,
    ) -> str:
        """Return where to send the browser; raises UpstreamError, UpstreamUnavailable.

        `kept_scopes` are asked for as well where the tokens are to be kept, with what makes the
        provider give a refresh token; None where they are not.
        """

    def check_iss(self, iss: str | None) -> None:
        """Check the callback's `iss`, on errors too (RFC 9207 §2.4); raises as `exchange` does."""

    def exchange(
        self,
        *,
        code: str,
        code_verifier: str,
        nonce: str,
        iss: str | None,
        now: int,
        max_age: int | None = None,
        kept_scopes: tuple[str, ...] | None = None,
    ) -> UpstreamIdentity:
        """Redeem the callback's code and return who signed in, with every check made.

        `now` is epoch seconds; `max_age` and `kept_scopes` are those that `authorization_url`
        got. Raises UpstreamError (refused) or UpstreamUnavailable (down, slow or talking nonsense).
        """

    def refresh(self, refresh_token: str, *, scope: tuple[str, ...], now: int) -> Tokens:
        """Return new tokens for a refresh token, which may be spent by that; nothing is verified.

        `scope` is what was asked for at sign-in. Raises UpstreamError, with the reason
        refresh_refused where the token is good no more, or UpstreamUnavailable.
        """

    def check_refreshed(self, tokens: Tokens, *, issuer: str, subject: str, now: int) -> None:
        """Check that refreshed tokens are those of the user who signed in; raises as `exchange`.

        To be called when they are stored: what was rotated must not be lost to a failed check.
        """

    def check_access(self, access_token: str, *, subject: str) -> None:
        """Ask the provider whose an access token is.

        Raises UpstreamError where it is nobody's any more, another user's, or nobody can be asked;
        UpstreamUnavailable where the answer says neither.
        """

    def close(self) -> None:
        """Close the idle connections to the provider."""


class Walled:
    """An upstream that at most `calls` threads wait for: more get UpstreamUnavailable at once.

    Half as many more may verify the tokens that clients bring.
    """

    def __init__(self, upstream: Upstream, calls: int) -> None:
        self._upstream = upstream
        self._bulkhead = Bulkhead(calls)
        self._of_tokens = Bulkhead(max(calls // 2, 1))

    @property
    def logout_tokens(self) -> LogoutTokens | None:
        """Return what verifies the provider's logout tokens, behind the same bulkhead."""
        found = self._upstream.logout_tokens
        return None if found is None else replace(found, bulkhead=self._bulkhead)

    @property
    def subject_tokens(self) -> SubjectTokens | None:
        """Return what verifies the provider's tokens that clients bring, behind its own bulkhead.

        Strangers bring some: while they make it ask for keys in vain, users still sign in.
        """
        found = self._upstream.subject_tokens
        return None if found is None else replace(found, bulkhead=self._of_tokens)

    def authorization_url(
        self,
        *,
        state: str,
        nonce: str,
        code_verifier: str,
        login_hint: str | None = None,
        prompt: str | None = None,
        max_age: int | None = None,
        kept_scopes: tuple[str, ...] | None = None,
    ) -> str:
        """Return where to send the browser, when it is this thread's turn."""
        with self._bulkhead.call():
            return self._upstream.authorization_url(
                state=state,
                nonce=nonce,
                code_verifier=code_verifier,
                login_hint=login_hint,
                prompt=prompt,
                max_age=max_age,
                kept_scopes=kept_scopes,
            )

    def check_iss(self, iss: str | None) -> None:
        """Check the callback's `iss`."""
        with self._bulkhead.call():
            self._upstream.check_iss(iss)

    def exchange(
        self,
        *,
        code: str,
        code_verifier: str,
        nonce: str,
        iss: str | None,
        now: int,
        max_age: int | None = None,
        kept_scopes: tuple[str, ...] | None = None,
    ) -> UpstreamIdentity:
        """Redeem the callback's code, all of it in one call of the bulkhead."""
        with self._bulkhead.call():
            return self._upstream.exchange(
                code=code,
                code_verifier=code_verifier,
                nonce=nonce,
                iss=iss,
                now=now,
                max_age=max_age,
                kept_scopes=kept_scopes,
            )

    def refresh(self, refresh_token: str, *, scope: tuple[str, ...], now: int) -> Tokens:
        """Return new tokens for a refresh token."""
        with self._bulkhead.call():
            return self._upstream.refresh(refresh_token, scope=scope, now=now)

    def check_refreshed(self, tokens: Tokens, *, issuer: str, subject: str, now: int) -> None:
        """Check that refreshed tokens are those of the user who signed in."""
        with self._bulkhead.call():
            self._upstream.check_refreshed(tokens, issuer=issuer, subject=subject, now=now)

    def check_access(self, access_token: str, *, subject: str) -> None:
        """Ask the provider whose an access token is."""
        with self._bulkhead.call():
            self._upstream.check_access(access_token, subject=subject)

    def close(self) -> None:
        """Close the idle connections to the provider."""
        self._upstream.close()


def connect(settings: UpstreamSettings, redirect_uri: str, calls: int = DEFAULT_CALLS) -> Upstream:
    """Return the client of a configured upstream, behind a bulkhead; nothing is sent yet."""
    if isinstance(settings, OidcUpstream):
        return Walled(OidcUpstreamClient(settings, redirect_uri), calls)
    return Walled(OAuth2UpstreamClient(settings, redirect_uri), calls)

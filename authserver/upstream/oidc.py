"""Sign-in at an OpenID provider: OpenID Connect Core 1.0 §3.1, RFC 7636, RFC 9207"""

import time
from collections.abc import Callable
from dataclasses import replace

from joserfc.jwk import Key

from authserver.oauth import claim
from authserver.settings import OidcUpstream
from authserver.settings.upstream import TokenFields
from authserver.upstream import (
    authorization_request,
    client_auth,
    discovery,
    id_token,
    identity,
    jwks,
    refresh,
    token_request,
    userinfo,
)
from authserver.upstream import fields as members
from authserver.upstream.bulkhead import DEFAULT_CALLS, Bulkhead
from authserver.upstream.cached import Cached
from authserver.upstream.discovery import ProviderMetadata
from authserver.upstream.errors import UpstreamError
from authserver.upstream.identity import UpstreamIdentity
from authserver.upstream.logout_token import LogoutTokens
from authserver.upstream.session import Deadline, UpstreamSession
from authserver.upstream.signature import SignatureVerifier
from authserver.upstream.subject_token import SubjectTokens
from authserver.upstream.token_request import Tokens


class OidcUpstreamClient:
    """The one OpenID provider; discovered when first used, shared by all threads.

    `clock` is monotonic seconds and judges the age of cached documents only. Each call takes
    `request_timeout` seconds at most, over all requests it makes.
    """

    def __init__(
        self,
        settings: OidcUpstream,
        redirect_uri: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._redirect_uri = redirect_uri
        self._session = UpstreamSession(settings.ca_file)
        self._provider = Cached("discovery", self._fetch_provider, clock)
        self._signature = SignatureVerifier(settings, Cached("jwks", self._fetch_keys, clock))
        parts = (settings, self._provider, self._signature, Bulkhead(DEFAULT_CALLS))
        self.logout_tokens = LogoutTokens(*parts)
        self.subject_tokens = SubjectTokens(*parts)

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
        """Return where to send the browser; raises UpstreamError, UpstreamUnavailable."""
        provider = self._provider.get(Deadline(self._settings.request_timeout))
        own = {
            "redirect_uri": self._redirect_uri,
            "state": state,
            "nonce": nonce,
            "login_hint": login_hint,
            "prompt": authorization_request.prompt(self._settings, prompt),
            "max_age": None if max_age is None else str(max_age),
        }
        endpoint = provider.authorization_endpoint
        return authorization_request.url(self._settings, endpoint, own, code_verifier, kept_scopes)

    def check_iss(self, iss: str | None) -> None:
        """Check the callback's `iss`, on errors too (RFC 9207 §2.4); raises as `exchange` does."""
        self._check_iss(iss, Deadline(self._settings.request_timeout))

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

        `now` is epoch seconds; `max_age` is the one that `authorization_url` got. Raises
        UpstreamError (refused) or UpstreamUnavailable (down, slow or talking nonsense).
        """
        settings, deadline = self._settings, Deadline(self._settings.request_timeout)
        self._check_iss(iss, deadline)
        provider = self._provider.get(deadline)
        tokens = self._redeem(provider, code, code_verifier, kept_scopes, deadline, now)
        signed = token_request.id_token(tokens)
        claims, alg = self._signature.verified_claims(signed, provider, deadline)
        expected = replace(self._expected(provider, tokens), nonce=nonce, max_age=max_age)
        subject = id_token.check(claims, expected, alg, now)
        more = userinfo.fetch(self._session, settings, provider, tokens, claims, deadline)
        issuer = str(claims["iss"])  # checked: of many tenants, the user's
        found = identity.from_claims(issuer, subject, (claims, more), settings.fields)
        return replace(
            found,
            auth_time=id_token.auth_time(claims, now, settings.clock_skew),
            sid=members.text(claims, ("sid",)),
            tokens=tokens,
        )

    def refresh(self, refresh_token: str, *, scope: tuple[str, ...], now: int) -> Tokens:
        """Return new tokens, not verified; raises UpstreamError, UpstreamUnavailable."""
        deadline = Deadline(self._settings.request_timeout)
        endpoint = self._provider.get(deadline).token_endpoint
        return refresh.request(
            self._session, self._settings, endpoint, refresh_token, scope, now, deadline
        )

    def check_refreshed(self, tokens: Tokens, *, issuer: str, subject: str, now: int) -> None:
        """Check the ID token that came with a refresh, if any: it is of the same user.

        Core §12.2. Raises UpstreamError, UpstreamUnavailable.
        """
        if tokens.id_token is None:
            return
        deadline = Deadline(self._settings.request_timeout)
        provider = self._provider.get(deadline)
        claims, alg = self._signature.verified_claims(tokens.id_token, provider, deadline)
        found = id_token.check(claims, self._expected(provider, tokens), alg, now)
        if (claims["iss"], found) != (issuer, subject):
            raise UpstreamError("id_token_subject", "the refreshed ID token is of another user")

    def check_access(self, access_token: str, *, subject: str) -> None:
        """Ask userinfo whose an access token is; raises UpstreamError, UpstreamUnavailable."""
        deadline = Deadline(self._settings.request_timeout)
        endpoint = self._provider.get(deadline).userinfo_endpoint
        found = userinfo.ask(self._session, endpoint, access_token, deadline)
        # It need not have the claim by which users are known, if that is another one.
        if claim.find(found, self._settings.subject_claim) not in (None, subject):
            raise UpstreamError("userinfo_subject_mismatch", "userinfo is about another user")

    def close(self) -> None:
        """Close the idle connections to the provider."""
        self._session.close()

    def _fetch_provider(self, deadline: Deadline) -> ProviderMetadata:
        return discovery.fetch(self._settings, self._session, deadline)

    def _fetch_keys(self, deadline: Deadline) -> tuple[Key, ...]:
        return jwks.fetch(self._provider.get(deadline).jwks_uri, self._session, deadline)

    def _expected(self, provider: ProviderMetadata, tokens: Tokens) -> id_token.Expected:
        settings = self._settings
        return id_token.Expected(
            issuer=provider.issuer,
            client_id=settings.client_id,
            nonce=None,
            access_token=tokens.access_token,
            tenants=settings.tenants,
            subject_claim=settings.subject_claim,
            leeway=settings.clock_skew,
        )

    def _redeem(
        self,
        provider: ProviderMetadata,
        code: str,
        code_verifier: str,
        kept_scopes: tuple[str, ...] | None,
        deadline: Deadline,
        now: int,
    ) -> Tokens:
        endpoint = provider.token_endpoint
        headers, proof = client_auth.authenticate(self._settings, endpoint, now)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": code_verifier,
            **token_request.repeated_scope(self._settings, kept_scopes),
            **proof,
        }
        answer = token_request.redeem(self._session, endpoint, headers, form, deadline)
        return token_request.tokens(answer, TokenFields())

    def _check_iss(self, iss: str | None, deadline: Deadline) -> None:
        settings = self._settings
        accepted = [settings.issuer_of(tenant) for tenant in settings.tenants] or [settings.issuer]
        if iss is not None and iss not in accepted:
            raise UpstreamError("iss_mismatch", "the callback names another issuer")
        if iss is None and self._provider.get(deadline).sends_iss:
            raise UpstreamError("iss_missing", "the callback names no issuer, but should")

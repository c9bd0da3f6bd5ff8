"""Sign-in at an OpenID provider: OpenID Connect Core 1.0 §3.1, RFC 7636, RFC 9207"""

import time
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from joserfc.jwk import Key

from authserver.oauth import pkce
from authserver.settings import OidcUpstream
from authserver.upstream import client_auth, discovery, id_token, identity, jwks, token_request
from authserver.upstream.cached import Cached
from authserver.upstream.discovery import ProviderMetadata
from authserver.upstream.errors import UpstreamError, UpstreamUnavailable
from authserver.upstream.identity import UpstreamIdentity
from authserver.upstream.session import Deadline, UpstreamSession
from authserver.upstream.signature import SignatureVerifier


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
        self._session = UpstreamSession()
        self._provider = Cached("discovery", self._fetch_provider, clock)
        self._signature = SignatureVerifier(settings, Cached("jwks", self._fetch_keys, clock))

    def authorization_url(
        self,
        *,
        state: str,
        nonce: str,
        code_verifier: str,
        login_hint: str | None = None,
        prompt: str | None = None,
        max_age: int | None = None,
    ) -> str:
        """Return where to send the browser; raises UpstreamError, UpstreamUnavailable."""
        provider = self._provider.get(Deadline(self._settings.request_timeout))
        optional = {
            "login_hint": login_hint,
            "prompt": prompt,
            "max_age": None if max_age is None else str(max_age),
        }
        query = {
            **self._settings.authorization_params,
            **{name: value for name, value in optional.items() if value is not None},
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": " ".join(dict.fromkeys(("openid", *self._settings.scopes))),
            "state": state,
            "nonce": nonce,
            "code_challenge": pkce.challenge(code_verifier),
            "code_challenge_method": "S256",
        }
        separator = "&" if "?" in provider.authorization_endpoint else "?"
        return f"{provider.authorization_endpoint}{separator}{urlencode(query)}"

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
    ) -> UpstreamIdentity:
        """Redeem the callback's code and return who signed in, with every check made.

        `now` is epoch seconds; `max_age` is the one that `authorization_url` got. Raises
        UpstreamError (refused) or UpstreamUnavailable (down, slow or talking nonsense).
        """
        deadline = Deadline(self._settings.request_timeout)
        self._check_iss(iss, deadline)
        provider = self._provider.get(deadline)
        tokens = self._redeem(provider, code, code_verifier, deadline)
        claims, alg = self._signature.verified_claims(tokens.id_token, provider, deadline)
        expected = id_token.Expected(
            issuer=provider.issuer,
            client_id=self._settings.client_id,
            nonce=nonce,
            access_token=tokens.access_token,
            max_age=max_age,
        )
        subject = id_token.check(claims, expected, alg, now)
        userinfo = self._missing_claims(provider, tokens, claims, deadline)
        signed_in_at = id_token.auth_time(claims, now)
        return identity.from_claims(provider.issuer, subject, claims, userinfo, signed_in_at)

    def close(self) -> None:
        """Close the idle connections to the provider."""
        self._session.close()

    def _fetch_provider(self, deadline: Deadline) -> ProviderMetadata:
        return discovery.fetch(self._settings.issuer, self._session, deadline)

    def _fetch_keys(self, deadline: Deadline) -> tuple[Key, ...]:
        return jwks.fetch(self._provider.get(deadline).jwks_uri, self._session, deadline)

    def _redeem(
        self, provider: ProviderMetadata, code: str, code_verifier: str, deadline: Deadline
    ) -> token_request.Tokens:
        headers, members = client_auth.authenticate(self._settings)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": code_verifier,
            **members,
        }
        return token_request.redeem(self._session, provider.token_endpoint, headers, form, deadline)

    def _check_iss(self, iss: str | None, deadline: Deadline) -> None:
        if iss is not None and iss != self._settings.issuer:
            raise UpstreamError("iss_mismatch", "the callback names another issuer")
        if iss is None and self._provider.get(deadline).sends_iss:
            raise UpstreamError("iss_missing", "the callback names no issuer, but should")

    def _missing_claims(
        self,
        provider: ProviderMetadata,
        tokens: token_request.Tokens,
        claims: Mapping[str, object],
        deadline: Deadline,
    ) -> Mapping[str, object]:
        """Return userinfo's claims where the ID token is thin, or none where that fails.

        Raises UpstreamError where userinfo is about another user (Core §5.3.2).
        """
        if provider.userinfo_endpoint is None or identity.has_profile(claims):
            return {}
        headers = {"Authorization": f"Bearer {tokens.access_token}"}
        try:
            answer = self._session.get("userinfo", provider.userinfo_endpoint, deadline, headers)
            userinfo = answer.json_object() if answer.status == 200 else None
        except UpstreamUnavailable:
            return {}  # a name is worth no failed sign-in
        if userinfo is not None and userinfo.get("sub") != claims["sub"]:
            raise UpstreamError("userinfo_subject_mismatch", "userinfo is about another user")
        return userinfo or {}

"""Sign-in at a plain OAuth 2.0 provider, whose endpoints say who came: RFC 6749 §4.1, RFC 9207"""

from collections.abc import Mapping
from dataclasses import replace

from authserver.settings import OAuth2Upstream
from authserver.upstream import (
    authorization_request,
    client_auth,
    emails,
    fields,
    identity,
    refresh,
    token_request,
    userinfo,
)
from authserver.upstream.errors import UpstreamError, UpstreamUnavailable
from authserver.upstream.identity import UpstreamIdentity
from authserver.upstream.session import Deadline, UpstreamSession
from authserver.upstream.token_request import Tokens


class OAuth2UpstreamClient:
    """The one plain OAuth 2.0 provider, shared by all threads.

    There is no ID token: who signed in is what the userinfo endpoint answers to the access token,
    or the token response itself. Both come over TLS from a host that the operator named, for a
    code that is bound to this browser by state and PKCE. Each call takes `request_timeout` seconds
    at most, over all requests it makes.
    """

    logout_tokens = None  # OpenID Connect's
    subject_tokens = None  # it signs none

    def __init__(self, settings: OAuth2Upstream, redirect_uri: str) -> None:
        self._settings = settings
        self._redirect_uri = redirect_uri
        self._session = UpstreamSession(settings.ca_file)

    def authorization_url(
        self,
        *,
        state: str,
        nonce: str,  # noqa: ARG002 - there is no ID token to carry it
        code_verifier: str,
        login_hint: str | None = None,
        prompt: str | None = None,
        max_age: int | None = None,  # noqa: ARG002 - `exchange` refuses what nobody can prove
        kept_scopes: tuple[str, ...] | None = None,
    ) -> str:
        """Return where to send the browser."""
        own = {
            "redirect_uri": self._redirect_uri,
            "state": state,
            "login_hint": login_hint,
            "prompt": authorization_request.prompt(self._settings, prompt),
        }
        endpoint = self._settings.authorization_endpoint
        return authorization_request.url(self._settings, endpoint, own, code_verifier, kept_scopes)

    def check_iss(self, iss: str | None) -> None:
        """Check the callback's `iss` where there is one (RFC 9207 §2.4); raises UpstreamError."""
        if iss is not None and not self._is_issuer(iss):
            raise UpstreamError("iss_mismatch", "the callback names another issuer")

    def exchange(
        self,
        *,
        code: str,
        code_verifier: str,
        nonce: str,  # noqa: ARG002 - there is no ID token to carry it
        iss: str | None,
        now: int,
        max_age: int | None = None,
        kept_scopes: tuple[str, ...] | None = None,
    ) -> UpstreamIdentity:
        """Redeem the callback's code and return who signed in, with every check made.

        `now` is epoch seconds. Raises UpstreamError (refused, also where `max_age` is wanted: no
        plain provider says when the user signed in) or UpstreamUnavailable.
        """
        if max_age is not None:
            raise UpstreamError("auth_time_unknown", "the provider cannot say when users sign in")
        self.check_iss(iss)
        deadline = Deadline(self._settings.request_timeout)
        answer = self._redeem(code, code_verifier, kept_scopes, deadline, now)
        tokens = token_request.tokens(answer, self._settings.token_fields)
        if self._settings.userinfo_endpoint is None:
            found = self._from_token_response(answer)
        else:
            found = self._from_userinfo(self._settings.userinfo_endpoint, tokens, deadline)
        return replace(found, tokens=tokens)

    def refresh(self, refresh_token: str, *, scope: tuple[str, ...], now: int) -> Tokens:
        """Return new tokens; raises UpstreamError, UpstreamUnavailable."""
        settings = self._settings
        deadline = Deadline(settings.request_timeout)
        endpoint = settings.token_endpoint
        return refresh.request(
            self._session, settings, endpoint, refresh_token, scope, now, deadline
        )

    def check_refreshed(self, tokens: Tokens, *, issuer: str, subject: str, now: int) -> None:
        """Accept them: there is no ID token that could name a user."""

    def check_access(self, access_token: str, *, subject: str) -> None:
        """Ask userinfo whose an access token is; raises UpstreamError, UpstreamUnavailable."""
        settings, deadline = self._settings, Deadline(self._settings.request_timeout)
        found = userinfo.ask(self._session, settings.userinfo_endpoint, access_token, deadline)
        try:
            named = fields.subject(found, settings.subject, "identity_subject")
        except UpstreamError as error:
            # No answer to the question: a page of an outage may be JSON too.
            raise UpstreamUnavailable(f"userinfo: {error.detail}") from None
        if named != subject:
            raise UpstreamError("userinfo_subject_mismatch", "userinfo is about another user")

    def close(self) -> None:
        """Close the idle connections to the provider."""
        self._session.close()

    def _is_issuer(self, iss: str) -> bool:
        if not self._settings.derived_issuer:
            return iss == self._settings.issuer
        # Nobody wrote down how the provider spells its path; its origin is certain.
        return iss == self._settings.issuer or iss.startswith(f"{self._settings.issuer}/")

    def _redeem(
        self,
        code: str,
        code_verifier: str,
        kept_scopes: tuple[str, ...] | None,
        deadline: Deadline,
        now: int,
    ) -> Mapping[str, object]:
        endpoint = self._settings.token_endpoint
        headers, members = client_auth.authenticate(self._settings, endpoint, now)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": code_verifier,
            **token_request.repeated_scope(self._settings, kept_scopes),
            **members,
        }
        return token_request.redeem(self._session, endpoint, headers, form, deadline)

    def _from_token_response(self, answer: Mapping[str, object]) -> UpstreamIdentity:
        """Return who the token response names. It holds tokens: its members are no claims."""
        settings = self._settings
        subject = fields.subject(answer, settings.subject, "identity_subject")
        found = identity.from_claims(settings.issuer, subject, (answer,), settings.fields)
        named = {"name": found.name, "groups": found.claims.get("groups")}
        claims = {name: value for name, value in named.items() if value is not None}
        return replace(found, claims=claims)

    def _from_userinfo(self, url: str, tokens: Tokens, deadline: Deadline) -> UpstreamIdentity:
        headers = {"Authorization": f"Bearer {tokens.access_token}"}
        answer = self._session.get("userinfo", url, deadline, headers)
        if 400 <= answer.status < 500 and answer.status not in token_request.COME_BACK_LATER:
            raise UpstreamError("userinfo_refused", f"the answer is {answer.status}")
        if answer.status != 200:
            raise UpstreamUnavailable(f"userinfo: the answer is {answer.status}")
        document = answer.json_object()
        subject = fields.subject(document, self._settings.subject, "identity_subject")
        found = identity.from_claims(
            self._settings.issuer, subject, (document,), self._settings.fields
        )
        if self._settings.emails_endpoint is None:
            return found
        # The address in the user document is the one they show, verified or not.
        address, verified = emails.primary(
            self._session, self._settings.emails_endpoint, headers, deadline
        )
        return replace(found, email=address or found.email, email_verified=verified)

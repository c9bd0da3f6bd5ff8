"""An issuer of others' tokens: its keys, fetched seldom and by few, and its tokens: RFC 7517 §5"""

import time
from collections.abc import Callable, Mapping

from joserfc.jwk import Key

from authserver.settings.trusted_issuer import TrustedIssuer
from authserver.upstream import discovery, foreign_token, id_token, jwks, signature
from authserver.upstream.bulkhead import Bulkhead
from authserver.upstream.cached import Cached
from authserver.upstream.errors import UpstreamError, UpstreamUnavailable
from authserver.upstream.foreign_token import ForeignToken
from authserver.upstream.session import Deadline, UpstreamSession

_CALLS = 2  # threads that may wait for one issuer: one that hangs is nobody else's trouble


class TrustedIssuerClient:
    """Verifies the tokens of one issuer; all but those with a new key without asking anybody."""

    def __init__(
        self,
        settings: TrustedIssuer,
        clock: Callable[[], float] = time.monotonic,
        *,
        calls: int = _CALLS,
    ) -> None:
        self._settings = settings
        self._session = UpstreamSession(settings.ca_file)
        # Where its metadata alone leads us is no place inside: the operator writes that.
        self._elsewhere = UpstreamSession(settings.ca_file, public_only=True)
        self._bulkhead = Bulkhead(min(calls, _CALLS))
        self._jwks_uri = Cached(f"metadata of {settings.name}", self._find_jwks_uri, clock)
        self._keys = Cached(f"keys of {settings.name}", self._fetch_keys, clock)

    @property
    def settings(self) -> TrustedIssuer:
        """Return what is configured about it."""
        return self._settings

    def verify(self, token: str, now: int) -> ForeignToken:
        """Return what a token says; raises UpstreamError, or UpstreamUnavailable without keys."""
        claims = self._claims(token, foreign_token.ACCESS_TOKEN_TYPES)
        foreign_token.check_access_token(claims, self._settings.audiences, now, id_token.LEEWAY)
        return foreign_token.read(claims, now)

    def identity_assertion(self, token: str) -> Mapping[str, object]:
        """Return the claims of an identity assertion of this issuer, not yet judged.

        Raises as `verify` does.
        """
        return self._claims(token, foreign_token.IDENTITY_ASSERTION_TYPES)

    def close(self) -> None:
        """Close the idle connections."""
        self._session.close()
        self._elsewhere.close()

    def _claims(self, token: str, types: frozenset[str]) -> Mapping[str, object]:
        def attempt(deadline: Deadline) -> Mapping[str, object]:
            return self._verified(token, types, deadline)

        claims = self._bulkhead.ask_if_needed(attempt, self._settings.request_timeout)
        if claims.get("iss") != self._settings.issuer:
            raise UpstreamError("id_token_issuer", "iss is another issuer")
        return claims

    def _verified(
        self, token: str, types: frozenset[str], deadline: Deadline
    ) -> Mapping[str, object]:
        algs = frozenset(self._settings.algorithms)
        header = id_token.parse_header(token, algs, types)
        verified = signature.verify_published(self._keys, token, header, deadline)
        if verified is None:
            raise UpstreamError("id_token_signature", "no accepted key made the signature")
        return verified[0]

    def _fetch_keys(self, deadline: Deadline) -> tuple[Key, ...]:
        settings = self._settings
        if settings.keys:
            return settings.keys
        uri = settings.jwks_uri or self._jwks_uri.get(deadline)
        is_written = uri == settings.jwks_uri or discovery.is_of_issuer(uri, settings.issuer)
        return jwks.fetch(uri, self._session if is_written else self._elsewhere, deadline)

    def _find_jwks_uri(self, deadline: Deadline) -> str:
        """Return where the issuer's metadata says that its keys are."""
        issuer = self._settings.issuer
        answer = self._session.get("metadata", discovery.metadata_url(issuer), deadline)
        if answer.status != 200:
            raise UpstreamUnavailable(f"metadata: the answer is {answer.status}")
        document = answer.json_object()
        uri = document.get("jwks_uri")
        if document.get("issuer") != issuer or not discovery.is_endpoint(uri, issuer):
            raise UpstreamUnavailable("metadata: not the issuer's, or without a usable jwks_uri")
        return str(uri)

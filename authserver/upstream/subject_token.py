"""The upstream's own tokens, presented by a delegate in exchange for ours: RFC 8693 §2.1, §3"""

from collections.abc import Mapping
from dataclasses import dataclass

from authserver.settings import OidcUpstream
from authserver.upstream import foreign_token, id_token, identity
from authserver.upstream.bulkhead import Bulkhead
from authserver.upstream.cached import Cached
from authserver.upstream.discovery import ProviderMetadata
from authserver.upstream.foreign_token import (
    ACCESS_TOKEN_TYPES,
    ID_TOKEN_TYPES,
    IDENTITY_ASSERTION_TYPES,
    ForeignToken,
)
from authserver.upstream.identity import UpstreamIdentity
from authserver.upstream.session import Deadline
from authserver.upstream.signature import SignatureVerifier


@dataclass(frozen=True, slots=True)
class SubjectTokens:
    """Verifies them; all but those with a new key without asking the provider."""

    settings: OidcUpstream
    provider: Cached[ProviderMetadata]
    signature: SignatureVerifier
    bulkhead: Bulkhead

    def id_token(self, token: str, now: int) -> ForeignToken:
        """Return what an ID token says; raises UpstreamError, UpstreamUnavailable."""
        claims = self._verified(token, ID_TOKEN_TYPES)
        ours = (self.settings.client_id, *self.settings.exchange_audiences)
        foreign_token.check_id_token(claims, ours, now, self.settings.clock_skew)
        return foreign_token.read_id_token(claims, now, self.settings.subject_claim)

    def access_token(self, token: str, now: int) -> ForeignToken:
        """Return what a JWT access token says; raises as `id_token` does."""
        claims = self._verified(token, ACCESS_TOKEN_TYPES)
        audiences = self.settings.exchange_audiences
        foreign_token.check_access_token(claims, audiences, now, self.settings.clock_skew)
        return foreign_token.read(claims, now, self.settings.subject_claim)

    def identity_assertion(self, token: str) -> Mapping[str, object]:
        """Return the claims of an identity assertion, not yet judged; raises as `id_token`."""
        return self._verified(token, IDENTITY_ASSERTION_TYPES)

    def identity(self, token: ForeignToken) -> UpstreamIdentity:
        """Return the user whom an ID token describes, as a sign-in would have it."""
        documents = (token.claims,)
        return identity.from_claims(token.issuer, token.subject, documents, self.settings.fields)

    def is_issuer(self, issuer: str) -> bool:
        """Say whether tokens of this `iss` are the upstream's."""
        settings = self.settings
        tenants = [settings.issuer_of(tenant) for tenant in settings.tenants]
        return issuer in (tenants or [settings.issuer])

    def _verified(self, token: str, types: frozenset[str]) -> dict[str, object]:
        def attempt(deadline: Deadline) -> dict[str, object]:
            provider = self.provider.get(deadline)
            claims, _ = self.signature.verified_claims(token, provider, deadline, types)
            id_token.check_issuer(claims, provider.issuer, self.settings.tenants)
            return claims

        return self.bulkhead.ask_if_needed(attempt, self.settings.request_timeout)

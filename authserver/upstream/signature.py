"""The signature of an ID token, and its key: RFC 7515 §5.2, OpenID Connect Core 1.0 §10.1"""

from collections.abc import Mapping

from joserfc.errors import JoseError
from joserfc.jwk import Key, OctKey

from authserver.settings import OidcUpstream
from authserver.settings.upstream import TENANT
from authserver.upstream import id_token, jwks
from authserver.upstream.cached import Cached
from authserver.upstream.discovery import ProviderMetadata
from authserver.upstream.errors import UpstreamError
from authserver.upstream.session import Deadline

_MIN_SECRET_LENGTH = 32  # bytes; RFC 7518 §3.2


class SignatureVerifier:
    """Opens the provider's tokens with its keys, and fetches new ones when it meets a new kid."""

    def __init__(self, settings: OidcUpstream, keys: Cached[tuple[Key, ...]]) -> None:
        self._settings = settings
        self._keys = keys

    def verified_claims(
        self,
        token: str,
        provider: ProviderMetadata,
        deadline: Deadline,
        types: frozenset[str] = frozenset({"jwt"}),
    ) -> tuple[dict[str, object], str]:
        """Return the signed claims, not yet judged, and the algorithm; raises as `exchange`."""
        header = id_token.parse_header(token, self._accepted_algs(provider), types)
        if header.alg == id_token.SHARED_SECRET_ALG:
            verified = id_token.verify(token, header.alg, self._shared_secret())
        else:
            verified = verify_published(self._keys, token, header, deadline)
        if verified is None:
            raise UpstreamError("id_token_signature", "no accepted key made the signature")
        claims, key = verified
        self._check_tenant_of(key, claims)
        return claims, header.alg

    def _check_tenant_of(self, key: Key, claims: Mapping[str, object]) -> None:
        """Refuse a key of another issuer: in a set for many tenants each key may name its own."""
        issuer = key.as_dict(private=False).get("issuer") if self._settings.tenants else None
        if not isinstance(issuer, str):
            return
        if issuer.replace(TENANT, str(claims.get("tid"))) != claims.get("iss"):
            raise UpstreamError("id_token_signature", "the key is one of another issuer")

    def _accepted_algs(self, provider: ProviderMetadata) -> frozenset[str]:
        configured = frozenset(self._settings.id_token_algs)
        if provider.id_token_algs is None:
            return configured
        return configured & frozenset(provider.id_token_algs)

    def _shared_secret(self) -> tuple[Key, ...]:
        secret = (self._settings.client_secret or "").encode()
        if len(secret) < _MIN_SECRET_LENGTH:
            raise UpstreamError("id_token_alg", "HS256 needs a client secret of 32 bytes or more")
        try:
            return (OctKey.import_key(secret),)
        except (JoseError, ValueError):
            pass  # raised below: the context of an exception must not hold the secret
        raise UpstreamError("id_token_alg", "the client secret cannot be an HS256 key")


def verify_published(
    published: Cached[tuple[Key, ...]],
    token: str,
    header: id_token.UnverifiedHeader,
    deadline: Deadline,
) -> tuple[dict[str, object], Key] | None:
    """Return the claims and the published key that signed them, None if no key did.

    Raises UpstreamError for a key that is not published, and what fetching the keys raises.
    """
    keys = published.get(deadline)
    found = jwks.candidates(keys, header.kid, header.alg)
    verified = id_token.verify(token, header.alg, found)
    if verified is not None or (found and header.kid is not None):
        return verified
    # The issuer may have new keys: one of this kid, or (without kids) any.
    found = jwks.candidates(published.refetch(keys, deadline), header.kid, header.alg)
    if not found:
        raise UpstreamError("id_token_key_unknown", "no published key fits the token")
    return id_token.verify(token, header.alg, found)

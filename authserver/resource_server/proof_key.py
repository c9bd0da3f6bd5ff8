"""A key of this server's own, with which it proves that bound tokens are its. RFC 9449 §4.2"""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping

from joserfc import jwt
from joserfc.jwk import ECKey

from authserver.oauth import dpop, jwk

_ALG = "ES256"
_MEMBERS = ("crv", "kty", "x", "y")


class ProofKey:
    """An ES256 key that lives as long as the process; what is bound to it ends with it."""

    def __init__(self) -> None:
        self._key = ECKey.generate_key("P-256", private=True)
        public = self._key.as_dict(private=False)
        self._jwk: Mapping[str, str] = {name: str(public[name]) for name in _MEMBERS}
        self.jkt = jwk.thumbprint(self._jwk)

    def proof(
        self,
        method: str,
        url: str,
        now: int,
        *,
        access_token: str | None = None,
        nonce: str | None = None,
    ) -> str:
        """Return a new proof for one request; `access_token` is what is presented with it."""
        claims: dict[str, object] = {
            "jti": urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("="),
            "htm": method,
            "htu": url.partition("#")[0].partition("?")[0],
            "iat": now,
        }
        if access_token is not None:
            claims["ath"] = dpop.access_token_hash(access_token)
        if nonce is not None:
            claims["nonce"] = nonce
        header = {"alg": _ALG, "typ": dpop.TYPE, "jwk": dict(self._jwk)}
        return jwt.encode(header, claims, self._key, algorithms=[_ALG])

"""One signing key: how it is made, sealed, published, and signs: RFC 7515 §3.1, RFC 7638 §3."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key
from joserfc.jws import JWSRegistry

from authserver.oauth.strict_json import parse_object
from authserver.sealing import Sealer
from authserver.storage.signing_keys import StoredKey

PrivateKey = ECKey | OKPKey | RSAKey

_GENERATE: Mapping[str, Callable[[], PrivateKey]] = {
    "ES256": lambda: ECKey.generate_key("P-256"),
    # Not 3072: what it signs lives for minutes and it is replaced within months, every validator
    # takes 2048 (RFC 7518 §3.3), and each signature would cost three times as much.
    "RS256": lambda: RSAKey.generate_key(2048),
    "EdDSA": lambda: OKPKey.generate_key("Ed25519"),
}
_PUBLIC_MEMBERS = {"EC": ("crv", "x", "y"), "OKP": ("crv", "x"), "RSA": ("n", "e")}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key that was opened; `kid` is the thumbprint of its public half."""

    kid: str
    alg: str
    private: PrivateKey = field(repr=False)

    @classmethod
    def generate(cls, alg: str) -> Self:
        """Return a new key for ES256, RS256 or EdDSA; raises ValueError for any other."""
        if alg not in _GENERATE:
            raise ValueError(f"no signing key is made for {alg!r}")
        private = _GENERATE[alg]()
        return cls(private.thumbprint(), alg, private)

    @classmethod
    def open(cls, stored: StoredKey, sealer: Sealer) -> Self:
        """Return the key of a row; raises UnknownKey or Damaged, also where a date was altered."""
        members = parse_object(sealer.open(stored.sealed, aad=place(stored)))
        private = import_key({name: str(value) for name, value in members.items()})
        if not isinstance(private, PrivateKey):
            raise TypeError("a symmetric key was sealed as a signing key")
        return cls(private.thumbprint(), stored.alg, private)

    def seal(self, sealer: Sealer, *, sequence: int, created_at: int, active_at: int) -> StoredKey:
        """Return the row of this key, sealed to its kid, algorithm and dates."""
        row = StoredKey(
            kid=self.kid,
            sequence=sequence,
            alg=self.alg,
            sealed="",
            created_at=created_at,
            active_at=active_at,
        )
        members = json.dumps(self.private.as_dict(private=True)).encode()
        return replace(row, sealed=sealer.seal(members, aad=place(row)))

    def public_jwk(self) -> dict[str, str]:
        """Return the public half as a member of the JWKS."""
        members = self.private.as_dict(private=False)
        kty = str(members["kty"])
        public = {name: str(members[name]) for name in _PUBLIC_MEMBERS[kty]}
        return {"kty": kty, **public, "use": "sig", "alg": self.alg, "kid": self.kid}

    def sign(self, typ: str, claims: Mapping[str, object]) -> str:
        """Return the signed JWT."""
        header = {"alg": self.alg, "typ": typ, "kid": self.kid}
        payload = json.dumps(claims, separators=(",", ":")).encode()
        return jws.serialize_compact(header, payload, self.private, registry=_REGISTRIES[self.alg])

    def verify(self, token: str) -> bytes | None:
        """Return the payload of a token with this key's signature and algorithm, else None."""
        try:
            return jws.deserialize_compact(
                token, self.private, registry=_REGISTRIES[self.alg]
            ).payload
        except (JoseError, ValueError, TypeError):
            return None


def place(row: StoredKey) -> tuple[str, ...]:
    """Return what a sealed key is bound to: a row whose facts were altered does not open."""
    facts = (row.sequence, row.created_at, row.active_at)
    return ("signing_keys", "sealed", row.kid, row.alg, *map(str, facts))


class _Registry(JWSRegistry):
    """Exactly the allowed algorithms; EdDSA keeps the name that validators know.

    joserfc warns at each use that RFC 9864 calls it Ed25519 now.
    """

    def get_alg(self, name: str) -> Any:  # noqa: ANN401  (joserfc does not export the type)
        if not self.allowed or name not in self.allowed:
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


_REGISTRIES = {alg: _Registry(algorithms=(alg,)) for alg in _GENERATE}

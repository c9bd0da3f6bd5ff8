"""A client's key, and proofs of it: good ones, and any that no library would make"""

import hashlib
import json
from itertools import count
from typing import Any

from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from tests.actors import ISSUER
from tests.upstream.hostile_idp import NOW
from tests.upstream.jose import segment, sign

TOKEN_URL = f"{ISSUER}/token"
ABSENT = "(absent)"
_NUMBERS = count()

KEYS: dict[str, Key] = {
    "ES256": ECKey.generate_key("P-256"),
    "ES384": ECKey.generate_key("P-384"),
    "ES512": ECKey.generate_key("P-521"),
    "RS256": RSAKey.generate_key(2048),
    "PS256": RSAKey.generate_key(4096),
    "EdDSA": OKPKey.generate_key("Ed25519"),
    "Ed25519": OKPKey.generate_key("Ed25519"),
}


class Holder:
    """Whoever holds a key: each proof is a new one, but for what is changed in it."""

    def __init__(self, alg: str = "ES256", key: Key | None = None, now: int = NOW) -> None:
        self.alg = alg
        self.key = key or KEYS[alg]
        self.now = now
        self.jwk: dict[str, Any] = dict(self.key.as_dict(private=False))
        self.jkt: str = self.key.thumbprint()

    def proof(
        self,
        htm: str = "POST",
        htu: str = TOKEN_URL,
        *,
        token: str | None = None,
        header: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        head = {"typ": "dpop+jwt", "alg": self.alg, "jwk": self.jwk, **(header or {})}
        said = {"jti": f"jti-{next(_NUMBERS)}", "htm": htm, "htu": htu, "iat": self.now}
        if token is not None:
            said["ath"] = segment(hashlib.sha256(token.encode()).digest())
        said |= claims
        kept = {name: value for name, value in said.items() if value is not ABSENT}
        return self.sign({n: v for n, v in head.items() if v is not ABSENT}, kept)

    def sign(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        if header.get("alg") in (None, "none"):
            return (
                f"{segment(json.dumps(header).encode())}.{segment(json.dumps(claims).encode())}.AA"
            )
        return sign(header, json.dumps(claims).encode(), self.key)

    def header(self, *args: Any, **kwargs: Any) -> dict[str, str]:
        return {"DPoP": self.proof(*args, **kwargs)}


def stranger() -> Holder:
    """Return somebody with another key."""
    return Holder(key=ECKey.generate_key("P-256"))

"""Proof of possession: a request is signed with the key that its tokens are bound to: RFC 9449."""

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import Key

from authserver.oauth import htu, jwk
from authserver.oauth.errors import OAuthError
from authserver.oauth.strict_json import parse_object

TYPE = "dpop+jwt"
TOKEN_TYPE = "DPoP"
ALGORITHMS = jwk.ALGORITHMS
MAX_LENGTH = 8192
WINDOW = 300  # seconds between `iat` and now, in either direction

Reason = Literal[
    "missing", "malformed", "typ", "alg", "jwk", "signature", "htm", "htu", "iat", "jti", "ath",
    "replayed",
]  # fmt: skip
_DESCRIPTION: Mapping[Reason, str] = {
    "missing": "This request needs a DPoP proof.",
    "malformed": "The DPoP header is not one well-formed JWT.",
    "typ": "The typ of the DPoP proof must be dpop+jwt.",
    "alg": "The DPoP proof is signed with an algorithm that is not accepted here.",
    "jwk": "The DPoP proof has no public key in its jwk that is accepted here.",
    "signature": "The signature of the DPoP proof is not valid.",
    "htm": "The htm of the DPoP proof is not the method of this request.",
    "htu": "The htu of the DPoP proof is not the URL of this request.",
    "iat": "The iat of the DPoP proof is missing, or too far from now.",
    "jti": "The DPoP proof has no jti that can be used.",
    "ath": "The ath of the DPoP proof is not the hash of the access token.",
    "replayed": "The DPoP proof was used before.",
}
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\Z")


@dataclass(frozen=True, slots=True)
class Possession:
    """A key that a request proved to hold, by its thumbprint (RFC 7638).

    The proof is good once: it is spent under `digest`, remembered until `expires_at`. `nonce` is
    what it says to have been given, still to be judged.
    """

    jkt: str
    digest: str
    expires_at: int
    nonce: str | None = field(default=None, repr=False)


class _Registry(jws.JWSRegistry):
    max_header_length = MAX_LENGTH  # an RSA key in a header is longer than joserfc expects

    def get_alg(self, name: str) -> Any:  # noqa: ANN401  (joserfc's own type is not exported)
        """Return a pinned algorithm without the warning that "EdDSA" now has a newer name."""
        if name not in (self.allowed or ()):
            raise JoseError
        return self.algorithms[name]


def prove(
    proof: str, *, htm: str, url: str, now: int, access_token: str | None = None
) -> Possession:
    """Check the proof that came with a request; raises `invalid_dpop_proof` (§4.3).

    `url` is that of the request as the client knows it. `access_token` is what is presented with
    it, at a resource. What is left to the caller: the nonce, that the proof is new, and that the
    key is the right one.
    """
    header = _header(proof)
    alg = _algorithm(header)
    holder = jwk.read(header.get("jwk"), alg)
    if holder is None:
        raise refused("jwk")
    claims = _signed(proof, holder.key, alg)
    _check_request(claims, htm, url)
    issued_at = _moment(claims, now)
    if access_token is not None and not _is_hash(claims.get("ath"), access_token):
        raise refused("ath")
    jti, nonce = claims.get("jti"), claims.get("nonce")
    if not isinstance(jti, str) or not 0 < len(jti) <= 512:
        raise refused("jti")
    jkt = holder.thumbprint
    return Possession(
        jkt,
        hashlib.sha256(f"dpop\0{jkt}\0{jti}".encode()).hexdigest(),
        issued_at + WINDOW + 1,
        nonce if isinstance(nonce, str) else None,
    )


def access_token_hash(access_token: str) -> str:
    """Return the `ath` of an access token (§4.2)."""
    return _encoded(hashlib.sha256(access_token.encode()).digest())


def refused(reason: Reason) -> OAuthError:
    """Return the refusal of a proof: it is the client's own, so that it may hear why."""
    return OAuthError("invalid_dpop_proof", _DESCRIPTION[reason], detail=f"dpop_{reason}")


def _header(proof: str) -> dict[str, object]:
    found = _COMPACT.match(proof) if len(proof) <= MAX_LENGTH else None
    if found is None:
        raise refused("malformed")
    try:
        header = parse_object(urlsafe_b64decode(found[1] + "=" * (-len(found[1]) % 4)))
    except ValueError:
        raise refused("malformed") from None
    if "crit" in header or "b64" in header:
        raise refused("malformed")
    typ = header.get("typ")
    if not isinstance(typ, str) or typ.lower() not in (TYPE, f"application/{TYPE}"):
        raise refused("typ")
    return header


def _algorithm(header: Mapping[str, object]) -> str:
    alg = header.get("alg")
    if not isinstance(alg, str) or alg not in ALGORITHMS:
        raise refused("alg")
    return alg


def _signed(proof: str, key: Key, alg: str) -> Mapping[str, object]:
    registry = _Registry(algorithms=[alg], strict_check_header=False)
    try:
        return parse_object(jws.deserialize_compact(proof, key, registry=registry).payload)
    except (JoseError, ValueError, TypeError):
        raise refused("signature") from None


def _check_request(claims: Mapping[str, object], htm: str, url: str) -> None:
    if claims.get("htm") != htm:
        raise refused("htm")
    said = claims.get("htu")
    if not isinstance(said, str) or not htu.matches(said, url):
        raise refused("htu")


def _moment(claims: Mapping[str, object], now: int) -> int:
    issued_at = claims.get("iat")
    if isinstance(issued_at, bool) or not isinstance(issued_at, int | float):
        raise refused("iat")
    if abs(issued_at - now) > WINDOW:
        raise refused("iat")
    return int(issued_at)


def _is_hash(ath: object, access_token: str) -> bool:
    return isinstance(ath, str) and hmac.compare_digest(
        ath.encode(), access_token_hash(access_token).encode()
    )


def _encoded(digest: bytes) -> str:
    return urlsafe_b64encode(digest).rstrip(b"=").decode()

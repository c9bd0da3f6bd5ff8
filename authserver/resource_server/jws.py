"""Checks the signature and the header of an access token. RFC 7515 §4, §5.2, RFC 9068 §2.1"""

import base64
import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jws import JWSRegistry

from authserver.oauth.strict_json import parse_object
from authserver.resource_server.errors import InvalidToken
from authserver.resource_server.jwks import JwksCache, Keys
from authserver.resource_server.keys import VerificationKey

MAX_TOKEN_LENGTH = 16_384
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\Z")
_MAX_HEADER_LENGTH = 4096
_MAX_KID_LENGTH = 256
_MAX_REMEMBERED = 1024
ACCESS_TOKEN_TYPES = ("at+jwt", "application/at+jwt")


class SignatureCheck:
    """Proves that a token was signed by the issuer, and returns its claims, not yet judged.

    A signature that was found valid is remembered by the token's digest until the keys change.
    """

    def __init__(self, jwks: JwksCache, algorithms: Collection[str]) -> None:
        self._jwks = jwks
        self._algorithms = algorithms
        self._registry = _Registry(algorithms=algorithms, strict_check_header=False)
        self._remembered: OrderedDict[bytes, bytes] = OrderedDict()
        self._remembered_of: Keys | None = None
        self._lock = threading.Lock()

    def claims(
        self,
        token: str,
        now: int,
        types: tuple[str, ...] = ACCESS_TOKEN_TYPES,
        max_length: int = MAX_TOKEN_LENGTH,
    ) -> dict[str, object]:
        """Return the claims of a token whose header and signature are good; raises InvalidToken.

        `types` are what its `typ` may be, in lower case.
        """
        algorithm, kid = _judge(_header(token, max_length), self._algorithms, types)
        keys = self._jwks.current(now)
        digest = hashlib.sha256(token.encode()).digest()
        payload = self._recall(keys, digest)
        if payload is None:
            key = keys.by_kid.get(kid) or self._jwks.current_for_unknown_kid(now).by_kid.get(kid)
            payload = self._verify(token, key, algorithm)
            self._remember(keys, digest, payload)
        return _parse(payload)

    def _verify(self, token: str, key: VerificationKey | None, algorithm: str) -> bytes:
        if key is None:
            raise InvalidToken("key")
        if not key.fits(algorithm):
            raise InvalidToken("algorithm")
        try:
            # Only this key: what the header says about keys (jwk, jku, x5u, x5c) is never used.
            return jws.deserialize_compact(token, key.key, registry=self._registry).payload or b""
        except (JoseError, ValueError, TypeError):
            raise InvalidToken("signature") from None

    def _recall(self, keys: Keys, digest: bytes) -> bytes | None:
        with self._lock:
            if self._remembered_of is not keys:
                self._remembered.clear()
                self._remembered_of = keys
            return self._remembered.get(digest)

    def _remember(self, keys: Keys, digest: bytes, payload: bytes) -> None:
        with self._lock:
            if self._remembered_of is not keys:
                return
            self._remembered[digest] = payload
            if len(self._remembered) > _MAX_REMEMBERED:
                self._remembered.popitem(last=False)


class _Registry(JWSRegistry):
    """Exactly the pinned algorithms; joserfc's warning that EdDSA has a newer name is no news."""

    max_header_length = _MAX_HEADER_LENGTH
    max_payload_length = 2**24  # the length of the whole token was looked at before

    def get_alg(self, name: str) -> Any:  # noqa: ANN401  (joserfc does not export the type)
        if not self.allowed or name not in self.allowed:
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


def _header(token: str, max_length: int) -> dict[str, object]:
    match = _COMPACT.match(token) if len(token) <= max_length else None
    if match is None or len(match[1]) > _MAX_HEADER_LENGTH or len(match[1]) % 4 == 1:
        raise InvalidToken("malformed")
    return _parse(base64.urlsafe_b64decode(match[1] + "=" * (-len(match[1]) % 4)))


def _judge(
    header: Mapping[str, object], algorithms: Collection[str], types: tuple[str, ...]
) -> tuple[str, str]:
    """Return `alg` and `kid` of a header that is allowed; nothing is fetched before this."""
    media_type, algorithm, kid = header.get("typ"), header.get("alg"), header.get("kid")
    if not isinstance(media_type, str) or media_type.lower() not in types:
        raise InvalidToken("type")
    # No extension is understood, so none may be critical (RFC 7515 §4.1.11, RFC 7797 §6).
    if "crit" in header or "b64" in header:
        raise InvalidToken("header")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise InvalidToken("algorithm")
    if not isinstance(kid, str) or not 0 < len(kid) <= _MAX_KID_LENGTH:
        raise InvalidToken("key")
    return algorithm, kid


def _parse(data: bytes) -> dict[str, object]:
    try:
        return parse_object(data)
    except ValueError:
        raise InvalidToken("malformed") from None

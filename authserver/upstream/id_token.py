"""The ID token and every check on it: OpenID Connect Core 1.0 §3.1.3.7, RFC 8725 §3

joserfc verifies the signature. All else is decided here, in the order it is written, because the
defaults of libraries accept a foreign audience, a missing nonce and tokens of any age.
"""

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256, sha384, sha512
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import Key

from authserver.oauth import claim
from authserver.oauth.strict_json import parse_object
from authserver.settings.upstream import TENANT
from authserver.upstream.errors import UpstreamError
from authserver.upstream.fields import MAX_SUBJECT_LENGTH

LEEWAY = 60
MAX_AGE = 600  # an ID token is redeemed at once: one this old was kept by somebody

_END_OF_TIME = 2**53

SHARED_SECRET_ALG = "HS256"
_HASHES: Mapping[str, Callable[[bytes], Any]] = {
    "RS256": sha256, "PS256": sha256, "ES256": sha256, SHARED_SECRET_ALG: sha256,
    "RS384": sha384, "PS384": sha384, "ES384": sha384,
    "RS512": sha512, "PS512": sha512, "ES512": sha512,
    "EdDSA": sha512, "Ed25519": sha512,
}  # fmt: skip
ALGS = frozenset(_HASHES)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the ID token of one sign-in must say; with a refresh there is no nonce to expect.

    With `tenants` the issuer holds `{tenantid}`, which stands for one of them.
    """

    issuer: str
    client_id: str
    nonce: str | None = field(repr=False)
    access_token: str = field(repr=False)
    max_age: int | None = None
    tenants: tuple[str, ...] = ()
    subject_claim: str = "sub"
    leeway: int = LEEWAY


@dataclass(frozen=True, slots=True)
class UnverifiedHeader:
    """The members of a JOSE header that choose the key, before anything is proved."""

    alg: str
    kid: str | None


class _Registry(jws.JWSRegistry):
    max_header_length = 16_384  # some providers send their certificate chain (x5c)

    def get_alg(self, name: str) -> Any:  # noqa: ANN401  (joserfc's own type is not exported)
        """Return a pinned algorithm without the warning that "EdDSA" now has a newer name."""
        if name not in (self.allowed or ()):
            raise JoseError
        return self.algorithms[name]


def parse_header(
    token: str, algs: frozenset[str], types: frozenset[str] = frozenset({"jwt"})
) -> UnverifiedHeader:
    """Return the header of a compact JWS signed with one of `algs`; raises UpstreamError.

    `types` are what its `typ` may be where it has one, in lower case.
    """
    header = _json_segment(token)
    alg, kid, typ = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
    if not isinstance(alg, str) or alg not in algs & ALGS:
        raise UpstreamError("id_token_alg", "signed with an algorithm that is not accepted")
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") not in types:
        raise UpstreamError("id_token_malformed", "its typ is that of another kind of token")
    if "crit" in header or not (kid is None or isinstance(kid, str)):
        raise UpstreamError("id_token_malformed", "its header has crit, or a kid that is no text")
    return UnverifiedHeader(alg, kid)


def verify(token: str, alg: str, keys: tuple[Key, ...]) -> tuple[dict[str, object], Key] | None:
    """Return the claims and the key that signed the token with alg, None if no key did.

    Raises UpstreamError where the signed content is no JSON object.
    """
    registry = _Registry(algorithms=[alg], strict_check_header=False)
    for key in keys:
        try:
            payload = jws.deserialize_compact(token, key, registry=registry).payload
        except (JoseError, ValueError, TypeError):
            continue
        return _json_object(payload), key
    return None


def check(claims: Mapping[str, object], expected: Expected, alg: str, now: int) -> str:
    """Check the claims of a verified ID token and return who the user is at their `iss`.

    Raises UpstreamError with the first check that fails.
    """
    check_issuer(claims, expected.issuer, expected.tenants)
    check_audience(claims, expected.client_id)
    check_times(claims, now, expected.leeway)
    if expected.nonce is not None:
        _check_nonce(claims.get("nonce"), expected.nonce)
    check_subject(claims.get("sub"))
    # Never sub in its place: that is somebody's under another name, or somebody else's.
    subject = check_subject(claim.find(claims, expected.subject_claim))
    if "at_hash" in claims:
        _check_at_hash(claims["at_hash"], expected.access_token, alg)
    if expected.max_age is not None:
        signed_in_at = auth_time(claims, now, expected.leeway)
        if signed_in_at is None or now - signed_in_at > expected.max_age + expected.leeway:
            raise UpstreamError("id_token_auth_time", "the sign-in is older than max_age")
    return subject


def auth_time(claims: Mapping[str, object], now: int, leeway: int = LEEWAY) -> int | None:
    """Return when the user signed in, at most now; raises UpstreamError for a time to come."""
    signed_in_at = moment(claims.get("auth_time"))
    if signed_in_at is not None and signed_in_at > now + leeway:
        raise UpstreamError("id_token_auth_time", "auth_time is in the future")
    return None if signed_in_at is None else min(int(signed_in_at), now)


def check_issuer(claims: Mapping[str, object], issuer: str, tenants: tuple[str, ...]) -> None:
    """Check `iss`, of many tenants that of one we know by its `tid`; raises UpstreamError."""
    if tenants:
        tenant = claims.get("tid")
        if not isinstance(tenant, str) or tenant not in tenants:
            raise UpstreamError("id_token_tenant", "tid is none of the configured tenants")
        issuer = issuer.replace(TENANT, tenant)
    if claims.get("iss") != issuer:
        raise UpstreamError("id_token_issuer", "iss is not the configured issuer")


def check_audience(claims: Mapping[str, object], client_id: str) -> None:
    """Check that the token is for us; raises UpstreamError."""
    aud, azp = claims.get("aud"), claims.get("azp")
    audiences = aud if isinstance(aud, list) else [aud]
    if client_id not in audiences or not all(isinstance(name, str) for name in audiences):
        raise UpstreamError("id_token_audience", "aud does not name us")
    # Core §3.1.3.7 no. 3 to 5: a token that others may use as well must have been asked by us.
    if "azp" in claims and azp != client_id:
        raise UpstreamError("id_token_audience", "azp names another client")
    if len(audiences) > 1 and "azp" not in claims:
        raise UpstreamError("id_token_audience", "aud names others too, and azp is missing")


def check_times(
    claims: Mapping[str, object], now: int, leeway: int, max_age: int | None = MAX_AGE
) -> None:
    """Check that the token holds now and is not too old to be met; raises UpstreamError."""
    expires_at, issued_at = moment(claims.get("exp")), moment(claims.get("iat"))
    not_before = moment(claims.get("nbf", 0))
    if expires_at is None or issued_at is None or not_before is None:
        raise UpstreamError("id_token_malformed", "exp, iat or nbf is missing or not a number")
    if now >= expires_at + leeway:
        raise UpstreamError("id_token_expired", "exp has passed")
    if issued_at > now + leeway or not_before > now + leeway:
        raise UpstreamError("id_token_not_yet_valid", "iat or nbf is in the future")
    if max_age is not None and now - issued_at > max_age:
        raise UpstreamError("id_token_stale", "issued too long ago")


def _check_nonce(nonce: object, expected: str) -> None:
    if not isinstance(nonce, str) or not expected:
        raise UpstreamError("id_token_nonce", "nonce is missing")
    if not hmac.compare_digest(nonce.encode(), expected.encode()):
        raise UpstreamError("id_token_nonce", "nonce is of another sign-in")


def check_subject(sub: object) -> str:
    """Return what may name a user for ever; raises UpstreamError."""
    if not isinstance(sub, str) or not 0 < len(sub) <= MAX_SUBJECT_LENGTH or not sub.isprintable():
        raise UpstreamError("id_token_subject", "sub is missing, too long or not printable")
    return sub


def _check_at_hash(at_hash: object, access_token: str, alg: str) -> None:
    digest: bytes = _HASHES[alg](access_token.encode()).digest()
    expected = urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")
    if not isinstance(at_hash, str) or not hmac.compare_digest(at_hash.encode(), expected):
        raise UpstreamError("id_token_at_hash", "at_hash is of another access token")


def moment(value: object) -> float | None:
    """Return epoch seconds, or None for what is no number or too big to calculate with."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 <= value < _END_OF_TIME else None


_SEGMENT = re.compile(r"[A-Za-z0-9_-]+\Z")


def _json_segment(token: str) -> dict[str, object]:
    """Return the decoded header of a compact JWS (three segments: an encrypted one has five)."""
    segments = token.split(".")
    if len(segments) != 3 or not all(_SEGMENT.match(segment) for segment in segments[:2]):
        raise UpstreamError("id_token_malformed", "not a compact JWS")
    try:
        return _json_object(urlsafe_b64decode(segments[0] + "=" * (-len(segments[0]) % 4)))
    except ValueError:
        raise UpstreamError("id_token_malformed", "its header is not base64url") from None


def _json_object(text: bytes) -> dict[str, object]:
    try:
        return parse_object(text)
    except ValueError as error:
        reason = str(error)
    raise UpstreamError("id_token_malformed", reason)

"""Validates JWT access tokens offline. RFC 9068 §4, RFC 8725 §3"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from authserver.oauth import binding
from authserver.oauth import scope as oauth_scope
from authserver.oauth.errors import OAuthError
from authserver.resource_server.errors import InsufficientScope, InvalidToken
from authserver.resource_server.jwks import JwksCache, require_secure_url
from authserver.resource_server.jws import SignatureCheck
from authserver.resource_server.keys import KEY_OF_ALGORITHM
from authserver.resource_server.status import StatusList

MAX_TOKEN_LIFETIME = 86_400  # the server mints none that lives longer
_MAX_LEEWAY = 300


def wall_clock() -> int:
    """Return the seconds since the epoch: the kit's only clock, replaced through `clock`."""
    return int(time.time())


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a valid access token says: who (`subject`) acts through what (`client_id`), and how far.

    `act` is the actor of a token exchange (RFC 8693 §4.1), `claims` is everything in the token,
    `token` is what came in, for an exchange: it is for this resource alone, and goes no further.
    `jkt` is the thumbprint of the key that it is bound to (RFC 9449), None for a bearer token.
    """

    subject: str
    client_id: str
    scopes: tuple[str, ...]
    resource: str
    expires_at: int
    jti: str
    token: str = field(repr=False)
    grant_id: str | None = None
    act: Mapping[str, object] | None = None
    jkt: str | None = None
    claims: Mapping[str, object] = field(default_factory=dict, repr=False)

    def require(self, *scopes: str) -> None:
        """Raise InsufficientScope unless the token has all these scopes."""
        require_scopes(self.scopes, scopes)


def require_scopes(granted: Iterable[str], required: Iterable[str]) -> None:
    """Raise InsufficientScope, naming all that is required, unless all of it is granted."""
    needed, held = tuple(dict.fromkeys(required)), set(granted)
    if missing := tuple(name for name in needed if name not in held):
        raise InsufficientScope(needed, missing)


class Verifier:
    """Validates access tokens that one issuer minted for one resource.

    Keys come from `jwks_uri`, by default from the issuer's metadata. `aud` must be exactly
    `resource`, `iss` exactly `issuer`; `leeway` (seconds) covers clocks that differ. With
    `status_list` the issuer's list is asked whether a token was revoked.
    """

    def __init__(
        self,
        issuer: str,
        resource: str,
        *,
        jwks_uri: str | None = None,
        algorithms: Iterable[str] = ("ES256",),
        leeway: int = 60,
        status_list: bool = False,
        ca_bundle: str | None = None,
        clock: Callable[[], int] = wall_clock,
    ) -> None:
        require_secure_url(issuer, "issuer")
        if jwks_uri is not None:
            require_secure_url(jwks_uri, "jwks_uri")
        if not 0 <= leeway <= _MAX_LEEWAY:
            raise ValueError("leeway must be 0 to 300 seconds")
        self.issuer = issuer
        self.resource = resource
        self._leeway = leeway
        self._clock = clock
        jwks = JwksCache(issuer, jwks_uri, ca_bundle)
        self._signature = SignatureCheck(jwks, _pinned(algorithms))
        self._status = StatusList(issuer, self._signature, ca_bundle) if status_list else None

    def verify(
        self,
        token: str,
        *,
        now: int | None = None,
        required_scopes: Iterable[str] = (),
        jkt: str | None = None,
    ) -> AccessToken:
        """Return what a valid token says; one that is bound needs the key that was proved (`jkt`).

        Raises InvalidToken, InsufficientScope, or KeysUnavailable where the issuer is down.
        """
        now = self._clock() if now is None else now
        claims = self._signature.claims(token, now)
        self._check_parties(claims)
        self._check_time(claims, now)
        _check_binding(claims, jkt)
        access_token = self._read(claims, token)
        if self._status is not None:
            self._status.check(claims, now)
        require_scopes(access_token.scopes, required_scopes)
        return access_token

    def now(self) -> int:
        """Return the time of the verifier's clock, in epoch seconds."""
        return self._clock()

    def _check_parties(self, claims: Mapping[str, object]) -> None:
        if claims.get("iss") != self.issuer:
            raise InvalidToken("issuer")
        # A list, even of one, is refused: our server mints a string, and a token that is good for
        # several resources could not say which scope belongs to which (RFC 9068 §5).
        if claims.get("aud") != self.resource:
            raise InvalidToken("audience")

    def _check_time(self, claims: Mapping[str, object], now: int) -> None:
        expires_at, issued_at = _moment(claims, "exp"), _moment(claims, "iat")
        not_before = _moment(claims, "nbf") if "nbf" in claims else issued_at
        if max(issued_at, not_before) > now + self._leeway:
            raise InvalidToken("not_yet_valid")
        if expires_at <= now - self._leeway:
            raise InvalidToken("expired")
        if expires_at - issued_at > MAX_TOKEN_LIFETIME:
            raise InvalidToken("claims")

    def _read(self, claims: dict[str, object], token: str) -> AccessToken:
        act = claims.get("act")
        if act is not None and not isinstance(act, dict):
            raise InvalidToken("claims")
        return AccessToken(
            subject=_text(claims, "sub"),
            client_id=_text(claims, "client_id"),
            scopes=_scopes(claims),
            resource=self.resource,
            expires_at=_moment(claims, "exp"),
            jti=_text(claims, "jti"),
            token=token,
            grant_id=_text(claims, "grant_id") if "grant_id" in claims else None,
            act=None if act is None else MappingProxyType(act),
            jkt=binding.confirmed(claims),
            claims=MappingProxyType(claims),
        )


def _check_binding(claims: Mapping[str, object], jkt: str | None) -> None:
    """What is bound is good with its key alone, and what is not is no bound token."""
    bound_to = binding.confirmed(claims)
    if bound_to != jkt or bound_to == "":  # no key has an empty thumbprint, whoever says so
        raise InvalidToken("binding" if jkt is None else "possession")


def _pinned(algorithms: Iterable[str]) -> frozenset[str]:
    if isinstance(algorithms, str):
        raise TypeError("algorithms must be a list of names")
    pinned = frozenset(algorithms)
    if not pinned or not pinned <= KEY_OF_ALGORITHM.keys():
        raise ValueError(f"algorithms must be some of {', '.join(KEY_OF_ALGORITHM)}")
    return pinned


def _moment(claims: Mapping[str, object], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int:  # not bool, which is an int
        raise InvalidToken("claims")
    return value


def _text(claims: Mapping[str, object], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidToken("claims")
    return value


def _scopes(claims: Mapping[str, object]) -> tuple[str, ...]:
    value = claims.get("scope", "")
    if not isinstance(value, str):
        raise InvalidToken("claims")
    try:
        return oauth_scope.parse(value)
    except OAuthError:
        raise InvalidToken("claims") from None

"""An identity assertion (ID-JAG): who a user is to a client, says their provider: RFC 7523 §3.

Identity Assertion JWT Authorization Grant draft, MCP Enterprise-Managed Authorization §7.
"""

import binascii
import hashlib
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from authserver.oauth import binding, claim, resource, scope
from authserver.oauth.errors import OAuthError
from authserver.oauth.params import Params
from authserver.oauth.resource import Resource
from authserver.oauth.strict_json import parse_object

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
PROFILE = "urn:ietf:params:oauth:grant-profile:id-jag"
TOKEN_TYPE = "urn:ietf:params:oauth:token-type:id-jag"
JWT_TYPE = "oauth-id-jag+jwt"  # the `typ` of its header
MAX_LENGTH = 16_384
# What an assertion for a resource that is not here is answered: by MCP, or as RFC 8707 has it.
UnknownResource = Literal["invalid_grant", "invalid_target"]
MAX_LIFETIME = 3600  # seconds: for as long it is remembered that it was used
LEEWAY = 30
_MAX_RESOURCES = 20
_MAX_METHODS = 20
_MAX_TEXT = 200
# What an assertion says of itself, its client and one sign-in; all else is about the user.
_NOT_OF_THE_USER = claim.RESERVED | {"resource"}


@dataclass(frozen=True, slots=True)
class IdentityAssertion:
    """A checked assertion; `digest` is what it is spent under, once, until `expires_at`.

    `resources` and `scope` are what it is limited to, None where it says nothing. `jkt` is the key
    that must be proved with it.
    """

    digest: str
    issued_at: int
    expires_at: int
    resources: tuple[str, ...] | None
    scope: tuple[str, ...] | None
    jkt: str | None
    claims: Mapping[str, object] = field(repr=False)


def is_identity_assertion(assertion: str | None) -> bool:
    """Say whether the header of a JWT calls it an identity assertion; nothing is proven by it."""
    head = (assertion or "").partition(".")[0]
    if len(head) > MAX_LENGTH:
        return False
    try:
        header = parse_object(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (binascii.Error, ValueError):
        return False
    return str(header.get("typ")).lower().removeprefix("application/") == JWT_TYPE


def check(
    claims: Mapping[str, object], *, issuer: str, client_id: str, now: int
) -> IdentityAssertion:
    """Check the claims of an assertion whose type, signature and `iss` are good already.

    `issuer` is ours, `client_id` is who brings it. Raises `invalid_grant`.
    """
    if claims.get("aud") not in (issuer, [issuer]):
        raise refused("aud")
    if claims.get("client_id") != client_id:
        raise refused("client_id")
    if not isinstance(claims.get("sub"), str):
        raise refused("sub")
    if "authorization_details" in claims:  # a limit that nobody here would keep (RFC 9396)
        raise refused("authorization_details")
    issued_at, expires_at = _times(claims, now)
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= 512:
        raise refused("jti")
    text = f"id-jag\0{claims['iss']}\0{jti}"
    return IdentityAssertion(
        digest=hashlib.sha256(text.encode()).hexdigest(),
        issued_at=issued_at,
        expires_at=expires_at + LEEWAY,
        resources=_resources(claims.get("resource")),
        scope=_scope(claims.get("scope")),
        jkt=binding.confirmed(claims),
        claims=claims,
    )


def bind(
    assertion: IdentityAssertion,
    params: Params,
    resources: tuple[Resource, ...],
    unknown: UnknownResource = "invalid_grant",
) -> Resource:
    """Return the one resource that the token is for: the assertion's, and the request's.

    Raises `unknown` where the assertion names one that is not ours, `invalid_target` where the
    request names another than the assertion.
    """
    open_ = tuple(each for each in resources if not each.retired)
    if assertion.resources is None:
        return resource.bind(open_, params.all("resource"))
    named = [resource.find(open_, each) for each in assertion.resources]
    found = tuple(each for each in named if each is not None)
    if len(found) != len(named):
        raise OAuthError(unknown, "The assertion is not valid.", detail="id_jag_resource_unknown")
    return resource.bind(tuple({each.url: each for each in found}.values()), params.all("resource"))


def scope_of(
    assertion: IdentityAssertion,
    requested: tuple[str, ...],
    bound: Resource,
    registered: tuple[str, ...] | None,
) -> tuple[str, ...]:
    """Return what the token may allow: what is requested, asserted, the client's, the resource's.

    Where neither names any, what is not sensitive. Raises `invalid_scope` where nothing is left.
    """
    said = assertion.scope
    offered = bound.default_scope() if said is None and not requested else tuple(bound.scopes)
    for limit in (said, requested or None, registered):
        offered = offered if limit is None else scope.keep(offered, limit)
    if not offered and (said is not None or requested):
        raise OAuthError("invalid_scope", "The assertion allows nothing of this scope.")
    return offered


def about_user(claims: Mapping[str, object]) -> dict[str, object]:
    """Return what an assertion tells of its user, whatever it was made for."""
    return {name: value for name, value in claims.items() if name not in _NOT_OF_THE_USER}


def sign_in(claims: Mapping[str, object]) -> dict[str, object]:
    """Return what an assertion tells of how its user signed in, where it is well-formed.

    RFC 9068 §2.2.1.
    """
    acr, amr = claims.get("acr"), claims.get("amr")
    told: dict[str, object] = {}
    if isinstance(acr, str) and 0 < len(acr) <= _MAX_TEXT:
        told["acr"] = acr
    if isinstance(amr, list) and 0 < len(amr) <= _MAX_METHODS and all(map(_is_method, amr)):
        told["amr"] = list(amr)
    return told


def refused(detail: str) -> OAuthError:
    """Return the refusal of an assertion, the same for every reason."""
    return OAuthError("invalid_grant", "The assertion is not valid.", detail=f"id_jag_{detail}")


def _is_method(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_TEXT


def _times(claims: Mapping[str, object], now: int) -> tuple[int, int]:
    """Return when an assertion was made and ends that is good now, and is a ticket and no pass."""
    expires_at, issued_at = _moment(claims, "exp"), _moment(claims, "iat")
    not_before = _moment(claims, "nbf") if "nbf" in claims else issued_at
    if now >= expires_at + LEEWAY or expires_at > now + MAX_LIFETIME + LEEWAY:
        raise refused("expired_or_too_long")
    if issued_at < now - MAX_LIFETIME - LEEWAY:
        raise refused("too_old")
    if max(issued_at, not_before) > now + LEEWAY or issued_at > expires_at:
        raise refused("not_yet_valid")
    return issued_at, expires_at


def _moment(claims: Mapping[str, object], name: str) -> int:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        raise refused(name)
    return int(value)


def _resources(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    named = value if isinstance(value, list) else [value]
    if not 0 < len(named) <= _MAX_RESOURCES or not all(isinstance(each, str) for each in named):
        raise refused("resource")
    return tuple(named)


def _scope(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise refused("scope")
    try:
        return scope.parse(value)
    except OAuthError:
        raise refused("scope") from None

"""Tokens of others that are exchanged for ours, and every check on them: RFC 8693 §2.1, RFC 9068 §4

The same token may be presented until it expires: unlike at a sign-in, its age does not matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from authserver.oauth import claim, identity_assertion
from authserver.upstream import fields as members
from authserver.upstream import id_token
from authserver.upstream.errors import UpstreamError

ACCESS_TOKEN_TYPES = frozenset({"jwt", "at+jwt"})
ID_TOKEN_TYPES = frozenset({"jwt"})
IDENTITY_ASSERTION_TYPES = frozenset({identity_assertion.JWT_TYPE})
_OF_ID_TOKENS = ("nonce", "at_hash", "c_hash")
_OF_ACCESS_TOKENS = ("scope", "scp")
# A logout token and an identity assertion are verified with the same keys.
_OF_OTHERS = ("events", "cnf")


@dataclass(frozen=True, slots=True)
class ForeignToken:
    """What a verified token of another issuer says; `subject` is who it is about there."""

    issuer: str
    subject: str
    client_id: str | None
    scope: tuple[str, ...]
    expires_at: int
    auth_time: int | None
    claims: Mapping[str, object] = field(repr=False)


def check_access_token(
    claims: Mapping[str, object], audiences: tuple[str, ...], now: int, leeway: int
) -> None:
    """Check that signed claims are an access token for one of the audiences; raises UpstreamError.

    The issuer is checked already.
    """
    _check_kind(claims, (*_OF_ID_TOKENS, *_OF_OTHERS))
    _check_audience(claims, audiences)
    _check_times(claims, now, leeway)


def check_id_token(
    claims: Mapping[str, object], audiences: tuple[str, ...], now: int, leeway: int
) -> None:
    """Check that signed claims are an ID token of one of these clients; raises UpstreamError."""
    _check_kind(claims, (*_OF_ACCESS_TOKENS, *_OF_OTHERS))
    _check_audience(claims, audiences)
    if "azp" in claims and claims["azp"] not in audiences:
        raise UpstreamError("id_token_audience", "azp names another client")
    aud = claims["aud"]
    if "azp" not in claims and isinstance(aud, list) and len(aud) > 1:
        raise UpstreamError("id_token_audience", "aud names others too, and azp is missing")
    _check_times(claims, now, leeway)


def read(claims: Mapping[str, object], now: int, subject_claim: str = "sub") -> ForeignToken:
    """Return what checked claims say; raises UpstreamError for a subject that is none."""
    id_token.check_subject(claims.get("sub"))
    return ForeignToken(
        issuer=str(claims["iss"]),
        subject=id_token.check_subject(claim.find(claims, subject_claim)),
        client_id=members.text(claims, ("client_id", "azp", "cid", "appid")),
        scope=_scope(claims),
        expires_at=_end(claims),
        auth_time=id_token.auth_time(claims, now),
        claims=claims,
    )


def read_id_token(claims: Mapping[str, object], now: int, subject_claim: str) -> ForeignToken:
    """Return what the checked claims of an ID token say; its client is `azp`, else its one `aud`.

    OpenID Connect Core 1.0 §2.
    """
    aud = claims["aud"]
    client_id = claims.get("azp", aud[0] if isinstance(aud, list) else aud)
    return replace(read(claims, now, subject_claim), client_id=str(client_id))


def _check_kind(claims: Mapping[str, object], of_others: tuple[str, ...]) -> None:
    if any(name in claims for name in of_others):
        raise UpstreamError("token_kind", "it is a token of another kind, or bound to a key")


def _check_audience(claims: Mapping[str, object], audiences: tuple[str, ...]) -> None:
    aud = claims.get("aud")
    named = aud if isinstance(aud, list) else [aud]
    if not any(isinstance(each, str) and each in audiences for each in named):
        raise UpstreamError("id_token_audience", "aud names none of the configured audiences")


def _check_times(claims: Mapping[str, object], now: int, leeway: int) -> None:
    id_token.check_times(claims, now, leeway, max_age=None)
    # What is minted ends with it: what leeway alone keeps alive is worth nothing, or less.
    if now >= _end(claims):
        raise UpstreamError("id_token_expired", "exp has passed")


def _end(claims: Mapping[str, object]) -> int:
    return int(id_token.moment(claims["exp"]) or 0)


def _scope(claims: Mapping[str, object]) -> tuple[str, ...]:
    said = claims.get("scope", claims.get("scp"))
    names = said.split(" ") if isinstance(said, str) else said
    listed = names if isinstance(names, list) else []
    return tuple(each for each in listed if isinstance(each, str) and each)

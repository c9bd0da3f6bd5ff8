"""Who the upstream says the user is: OpenID Connect Core 1.0 §2, §5.1, §5.7"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class UpstreamIdentity:
    """A user as one verified sign-in describes them; only (issuer, subject) is an identity.

    Name and e-mail are for display: they change hands. `auth_time` is epoch seconds, never in the
    future. `claims` are the verified ID token's, with userinfo's where the ID token had none.
    """

    issuer: str
    subject: str
    name: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    email_verified: bool = False
    auth_time: int | None = None
    sid: str | None = field(default=None, repr=False)
    claims: Mapping[str, object] = field(default_factory=dict, repr=False)


def from_claims(
    issuer: str,
    subject: str,
    id_token: Mapping[str, object],
    userinfo: Mapping[str, object],
    auth_time: int | None,
) -> UpstreamIdentity:
    """Return the identity that verified ID token claims and matching userinfo claims describe."""
    # An address and its verification are one statement: never one from each document.
    source = id_token if _text(id_token.get("email")) else userinfo
    email = _text(source.get("email"))
    return UpstreamIdentity(
        issuer=issuer,
        subject=subject,
        name=_text(id_token.get("name")) or _text(userinfo.get("name")),
        email=email,
        email_verified=email is not None and _is_true(source.get("email_verified")),
        auth_time=auth_time,
        sid=_text(id_token.get("sid")),
        claims=MappingProxyType({**userinfo, **id_token}),
    )


def has_profile(claims: Mapping[str, object]) -> bool:
    """Say whether the claims name the user and their e-mail address."""
    return _text(claims.get("name")) is not None and _text(claims.get("email")) is not None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value and value.isprintable() else None


def _is_true(value: object) -> bool:
    return value is True or value == "true"  # some providers write booleans as strings

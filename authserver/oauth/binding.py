"""What tokens are bound to: keys that were proved, or none: RFC 9449 §5, §6.1, §10, RFC 7800 §3."""

import hmac
import re
from collections.abc import Mapping

from authserver.oauth import dpop
from authserver.oauth.dpop import Possession
from authserver.oauth.errors import OAuthError

_JKT = re.compile(r"[A-Za-z0-9_-]{43}\Z")


def bind(possession: Possession | None, *, bound_to: str | None, required: bool) -> str | None:
    """Return the thumbprint that a token is to be bound to, None for a bearer token.

    `bound_to` is the key of what is redeemed, where there is one; `required` is whether client or
    resource take bound tokens only. Raises `invalid_dpop_proof`, or `invalid_grant` for the proof
    of another key.
    """
    if possession is None:
        if bound_to is not None or required:
            raise dpop.refused("missing")
        return None
    if bound_to is not None and not hmac.compare_digest(bound_to, possession.jkt):
        raise OAuthError(
            "invalid_grant", "The grant is bound to another key.", detail="dpop_key_differs"
        )
    return possession.jkt


def check_grant(bound_to: str | None, *, required: bool) -> None:
    """Raise `invalid_grant` for a grant without a key, where client or resource require one.

    Its refresh token would be good with the key of whoever has it.
    """
    if required and bound_to is None:
        raise OAuthError(
            "invalid_grant", "The grant is not bound to a key.", detail="grant_not_bound"
        )


def check_jkt(value: str | None) -> str | None:
    """Return a `dpop_jkt` (§10); raises `invalid_request` for what is no thumbprint."""
    if value is not None and not _JKT.match(value):
        raise OAuthError("invalid_request", "dpop_jkt must be a SHA-256 thumbprint of a key.")
    return value


def confirmed(claims: Mapping[str, object]) -> str | None:
    """Return the thumbprint that a token is bound to; None where it is bound to nothing (§6.1).

    Of a token that is bound in another way, or in another way too, it is one that no key has.
    """
    cnf = claims.get("cnf")
    if cnf is None:
        return None
    jkt = cnf.get("jkt") if isinstance(cnf, Mapping) and len(cnf) == 1 else None
    return jkt if isinstance(jkt, str) and _JKT.match(jkt) else ""

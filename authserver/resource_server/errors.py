"""Why a request is refused at the resource server. RFC 6750 §3.1, RFC 9449 §7.1, §9"""

from typing import Literal

from authserver.oauth import dpop
from authserver.oauth.errors import OAuthError

Reason = Literal[
    "malformed",
    "type",
    "header",
    "algorithm",
    "key",
    "signature",
    "issuer",
    "audience",
    "expired",
    "not_yet_valid",
    "claims",
    "binding",
    "possession",
    "revoked",
]

_DESCRIPTION: dict[Reason, str] = {
    "malformed": "The access token is not a well-formed JWT.",
    "type": "The token is not an access token.",
    "header": "The access token has a header that is not allowed.",
    "algorithm": "The access token is signed with an algorithm that is not accepted here.",
    "key": "The access token is signed with a key that the issuer does not publish.",
    "signature": "The signature of the access token is not valid.",
    "issuer": "The access token comes from another issuer.",
    "audience": "The access token was issued for another resource.",
    "expired": "The access token has expired.",
    "not_yet_valid": "The access token is not valid yet.",
    "claims": "The access token lacks a required claim.",
    "binding": "The access token is bound to a key and is no bearer token.",
    "possession": "The access token is not bound to the key of the DPoP proof.",
    "revoked": "The access token was revoked.",
}


class InvalidToken(OAuthError):
    """The access token is not valid here; `reason` is a fixed word for logs and tests."""

    def __init__(self, reason: Reason) -> None:
        super().__init__("invalid_token", _DESCRIPTION[reason], detail=reason)
        self.reason: Reason = reason


class InsufficientScope(OAuthError):
    """The access token is valid but lacks scope; `required` is all that the operation needs."""

    def __init__(self, required: tuple[str, ...], missing: tuple[str, ...]) -> None:
        super().__init__(
            "insufficient_scope",
            "The access token does not have the scope that this request needs.",
            detail=" ".join(missing),
        )
        self.required = required
        self.missing = missing


class KeysUnavailable(OAuthError):
    """The issuer's keys could not be fetched: nothing is known about the token (503, not 401)."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            "temporarily_unavailable",
            "The keys of the authorization server are not available.",
            detail=detail,
            headers=(("Retry-After", "5"),),
        )


class InvalidProof(OAuthError):
    """The proof that came with a bound token is missing or not valid (401)."""

    def __init__(self, reason: dpop.Reason) -> None:
        error = dpop.refused(reason)
        super().__init__(error.code, error.description, detail=error.detail, status=401)

    @classmethod
    def of(cls, error: OAuthError) -> "InvalidProof":
        """Return the refusal of a resource for that of a proof."""
        found = cls("malformed")
        found.description, found.detail = error.description, error.detail
        return found


class NonceRequired(OAuthError):
    """The proof has no nonce of now; the answer brings one (401)."""

    def __init__(self, nonce: str) -> None:
        super().__init__(
            "use_dpop_nonce",
            "The DPoP proof must have the nonce of this answer.",
            status=401,
            headers=(("DPoP-Nonce", nonce),),
        )

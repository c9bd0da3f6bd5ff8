"""The one error of the protocol and its registered codes: RFC 6749 §4.1.2.1, §5.2."""

from typing import Literal

Code = Literal[
    # RFC 6749 §4.1.2.1, §5.2
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
    "invalid_scope",
    "access_denied",
    "server_error",
    "temporarily_unavailable",
    # RFC 6750 §3.1
    "invalid_token",
    "insufficient_scope",
    # RFC 7591 §3.2.2
    "invalid_redirect_uri",
    "invalid_client_metadata",
    # RFC 8707 §2
    "invalid_target",
    # RFC 9449 §12.2
    "invalid_dpop_proof",
    "use_dpop_nonce",
    # RFC 8628 §3.5
    "authorization_pending",
    "slow_down",
    "expired_token",
    # OpenID Connect Core §3.1.2.6
    "login_required",
    "consent_required",
    "interaction_required",
    "request_not_supported",
    "request_uri_not_supported",
    "registration_not_supported",
]

_STATUS: dict[str, int] = {
    "invalid_client": 401,
    "invalid_token": 401,
    "insufficient_scope": 403,
    "server_error": 500,
    "temporarily_unavailable": 503,
}


class OAuthError(Exception):
    """A refusal: what the client's developer reads, and apart from it what only the audit sees.

    `description` is a fixed sentence without any input in it; `detail` never leaves the server.
    Where an error travels (JSON, redirect, page) is decided by the endpoint, not here.
    """

    def __init__(
        self,
        code: Code,
        description: str,
        *,
        detail: str = "",
        status: int | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(code)
        self.code: Code = code
        self.description = description
        self.detail = detail
        self.status = status if status is not None else _STATUS.get(code, 400)
        self.headers = headers

    def members(self) -> dict[str, str]:
        """Return the members `error` and `error_description` as they travel."""
        return {"error": self.code, "error_description": self.description}

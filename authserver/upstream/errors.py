"""Why a sign-in upstream failed: OpenID Connect Core 1.0 §3.1.2.6, RFC 6749 §5.2"""

from typing import Literal

Reason = Literal[
    "access_token_invalid",
    "auth_time_unknown",
    "discovery_invalid",
    "discovery_issuer_mismatch",
    "id_token_alg",
    "id_token_at_hash",
    "id_token_audience",
    "id_token_auth_time",
    "id_token_expired",
    "id_token_issuer",
    "id_token_key_unknown",
    "id_token_malformed",
    "id_token_missing",
    "id_token_nonce",
    "id_token_not_yet_valid",
    "id_token_signature",
    "id_token_stale",
    "id_token_subject",
    "id_token_tenant",
    "identity_subject",
    "iss_mismatch",
    "iss_missing",
    "logged_out",
    "logout_token_event",
    "logout_token_malformed",
    "logout_token_nonce",
    "logout_token_subject",
    "refresh_refused",
    "service_refused",
    "service_scope",
    "token_kind",
    "upstream_refused",
    "userinfo_missing",
    "userinfo_refused",
    "userinfo_subject_mismatch",
]


class UpstreamError(Exception):
    """The provider's answer is refused, and trying again will not help: "sign-in failed".

    `reason` and `detail` are our own words for the audit event, `error_code` is the provider's
    where that is a known one. None holds a token, a code or anything else that came from the
    provider, but for its public metadata.
    """

    def __init__(self, reason: Reason, detail: str = "", error_code: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason: Reason = reason
        self.detail = detail
        self.error_code = error_code


class UpstreamUnavailable(Exception):
    """The provider does not answer, or answers nonsense: "temporarily unavailable", 503."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail

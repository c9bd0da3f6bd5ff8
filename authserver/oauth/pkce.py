"""Proof Key for Code Exchange, S256 only: RFC 7636 §4.6, OAuth 2.1 §7.5.1."""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode

from authserver.oauth.errors import OAuthError

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}\Z")  # base64url of a SHA-256 digest, no padding
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}\Z")


def check_challenge(code_challenge: str | None, code_challenge_method: str | None) -> str:
    """Return the S256 challenge of a request; raises `invalid_request` for anything else."""
    if code_challenge is None:
        raise OAuthError("invalid_request", "PKCE is required: code_challenge is missing.")
    if code_challenge_method != "S256":
        raise OAuthError("invalid_request", "code_challenge_method must be S256.")
    if not _CHALLENGE.match(code_challenge):
        raise OAuthError("invalid_request", "code_challenge is not an S256 challenge.")
    return code_challenge


def challenge(code_verifier: str) -> str:
    """Return the S256 challenge of a verifier."""
    digest = hashlib.sha256(code_verifier.encode("ascii", "replace")).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def check_verifier(code_verifier: str, code_challenge: str) -> None:
    """Raise `invalid_grant` where the verifier does not belong to the challenge."""
    well_formed = _VERIFIER.match(code_verifier) is not None
    if not hmac.compare_digest(challenge(code_verifier), code_challenge) or not well_formed:
        raise OAuthError("invalid_grant", "code_verifier does not match the code_challenge.")

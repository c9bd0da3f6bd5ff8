"""The token and userinfo endpoints: OpenID Connect Core 1.0 §3.1.3, §5.3, RFC 7636 §4.6."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import unquote_plus

from flask import Response, jsonify, request
from joserfc import jwt
from joserfc.jwk import RSAKey

from authserver.demo.idp.authentication_request import Refusal, parameters
from authserver.demo.idp.memory import Memory, Proven

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}\Z")


class Tokens:
    """`/token` and `/userinfo`."""

    def __init__(self, issuer: str, memory: Memory, key: RSAKey) -> None:
        self._issuer, self._memory, self._key = issuer, memory, key

    def token(self) -> Response:
        """Redeem a code, once, for an ID token and an access token."""
        try:
            sent = parameters(request.form)
            self._authenticate(sent)
            return jsonify(self._redeem(sent))
        except Refusal as refusal:
            answer = jsonify(refusal.members())
            answer.status_code = refusal.status
            if refusal.status == 401:
                answer.headers["WWW-Authenticate"] = 'Basic realm="development"'
            return answer

    def userinfo(self) -> Response:
        """Answer the claims of an access token's scopes."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        proven = self._memory.access_tokens.see(token) if scheme.lower() == "bearer" else None
        if proven is None:
            challenge = "Bearer" + (' error="invalid_token"' if token else "")
            return Response(status=401, headers={"WWW-Authenticate": challenge})
        return jsonify({"sub": proven.signed_in.person.subject} | proven.claims())

    def _authenticate(self, sent: Mapping[str, str]) -> None:
        basic = request.authorization
        if basic is not None and "client_secret" in sent:
            raise Refusal("invalid_request", "Authenticate in one way, not in two.")
        client_id, client_secret = sent.get("client_id", ""), sent.get("client_secret", "")
        if basic is not None:
            client_id = unquote_plus(basic.username or "")  # RFC 6749 §2.3.1
            client_secret = unquote_plus(basic.password or "")
        client = self._memory.client
        if client_id != client.client_id or not _equal(client_secret, client.client_secret):
            raise Refusal("invalid_client", "Client authentication failed.", 401)

    def _redeem(self, sent: Mapping[str, str]) -> dict[str, object]:
        if "grant_type" not in sent:
            raise Refusal("invalid_request", "grant_type is missing.")
        if sent["grant_type"] != "authorization_code":
            raise Refusal("unsupported_grant_type", "Only authorization_code is supported.")
        proven = self._memory.codes.take(sent.get("code", ""))
        if proven is None or proven.asked.redirect_uri != sent.get("redirect_uri"):
            raise Refusal("invalid_grant", "The code is not valid for this redirect_uri.")
        verifier = sent.get("code_verifier", "")
        if not _VERIFIER.match(verifier) or _s256(verifier) != proven.asked.code_challenge:
            raise Refusal("invalid_grant", "code_verifier does not match the code_challenge.")
        access_token = self._memory.access_tokens.put(proven)
        return {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": self._memory.access_tokens.lifetime,
            "scope": " ".join(proven.asked.scope),
            "id_token": self._id_token(proven, access_token),
        }

    def _id_token(self, proven: Proven, access_token: str) -> str:
        now = self._memory.clock()
        claims: dict[str, object] = {
            "iss": self._issuer,
            "sub": proven.signed_in.person.subject,
            "aud": self._memory.client.client_id,
            "iat": now,
            "exp": now + self._memory.access_tokens.lifetime,
            "auth_time": proven.signed_in.auth_time,
            "at_hash": _base64url(hashlib.sha256(access_token.encode()).digest()[:16]),
        } | proven.claims()
        if proven.asked.nonce is not None:
            claims["nonce"] = proven.asked.nonce
        return jwt.encode({"alg": "RS256", "typ": "JWT", "kid": self._key.kid}, claims, self._key)


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _s256(verifier: str) -> str:
    return _base64url(hashlib.sha256(verifier.encode()).digest())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

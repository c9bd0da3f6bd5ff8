"""A complete OpenID provider on 127.0.0.1 whose every answer a test can spoil.

Left alone it is honest and strict: codes work once, PKCE and client authentication are checked.
Each attribute of `HostileIdp` is one way to misbehave; `seen` keeps what it was asked.
"""

import hashlib
import json
import secrets
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key

from tests.upstream.jose import half_hash, new_key, segment, sign
from tests.upstream.spoiled_server import Seen, Spoiled, SpoiledServer

NOW = 1_800_000_000
CLIENT_ID = "mcp:auth server"
CLIENT_SECRET = "canary-secret: 100% & more, é and a plus +"


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"  # the same in every process: it stands in the names of tests


ABSENT: Any = _Absent()


@dataclass(frozen=True)
class Issued:
    """What a code stands for."""

    params: dict[str, str]
    subject: str


def changed(honest: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the honest members with changes; ABSENT removes one."""
    return {k: v for k, v in {**honest, **changes}.items() if v is not ABSENT}


class HostileIdp:
    """One provider; start it with `with HostileIdp() as idp`."""

    def __init__(self) -> None:
        self.now = NOW
        self.path = ""  # the path of the issuer
        self.subject = "user-1"
        self.client_auth = "client_secret_basic"
        self.client_key: Any = None  # the client's public key, for private_key_jwt
        self.assertion_audience: str | None = None
        self.assertions: list[str] = []  # their jti
        self.spoiled: dict[str, Spoiled] = {}  # by path
        self.metadata: dict[str, Any] = {}  # changes to the discovery document
        self.claims: dict[str, Any] = {}  # changes to the ID token's claims
        self.header: dict[str, Any] = {}  # changes to its header
        self.token_answer: dict[str, Any] = {}  # changes to the token endpoint's answer
        self.userinfo: dict[str, Any] = {}  # changes to userinfo
        self.callback: dict[str, Any] = {}  # changes to the authorization response
        self.forge: Callable[[str], str] = lambda id_token: id_token
        self.signing_key: Key = new_key()
        self.published: list[Any] = [self.signing_key.as_dict(private=False)]
        self.delay = 0.0  # seconds before every answer
        self.answering = threading.Event()  # cleared, it accepts and says nothing
        self.answering.set()
        self.codes: dict[str, Issued] = {}
        self.access_tokens: dict[str, str] = {}  # to the subject
        self.refresh_tokens: dict[str, Issued] = {}  # that are good; with offline_access only
        self.rotates = True  # a refresh token works once, and its answer has the next one
        self.refresh_answer: dict[str, Any] = {"id_token": ABSENT}  # changes to a refresh's answer
        self._server = SpoiledServer(self._answer)
        self.origin = self._server.origin
        self.seen = self._server.seen

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.answering.set()
        self._server.stop()

    @property
    def issuer(self) -> str:
        return self.origin + self.path

    def asked(self, path: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.path == path]

    def rotate(self, kid: str | None = "key-2") -> None:
        self.signing_key = new_key(kid)
        self.published = [self.signing_key.as_dict(private=False)]

    def sign_in(self, authorization_url: str, subject: str | None = None) -> dict[str, str]:
        """Do what a browser and its user do: return the parameters of the callback."""
        query = urlsplit(authorization_url).query
        return self._authorize(dict(parse_qsl(query, keep_blank_values=True)), subject)

    def _answer(self, seen: Seen) -> Spoiled:
        self.answering.wait(60)
        time.sleep(self.delay)
        if seen.path in self.spoiled:
            return self.spoiled[seen.path]
        if seen.path == "/authorize":
            callback = urlencode(self._authorize(seen.params, None))
            return Spoiled(303, b"", {"Location": f"{seen.params['redirect_uri']}?{callback}"})
        documents = {
            f"{self.path.removesuffix('/')}/.well-known/openid-configuration": self._discovery,
            "/jwks": lambda _: (200, {"keys": self.published}),
            "/token": self._token,
            "/userinfo": self._userinfo,
        }
        status, members = documents.get(seen.path, lambda _: (404, {}))(seen)
        return Spoiled(status, json.dumps(members).encode(), {"Content-Type": "application/json"})

    def _authorize(self, params: dict[str, str], subject: str | None) -> dict[str, str]:
        code = f"canary-code-{secrets.token_urlsafe(16)}"
        self.codes[code] = Issued(params, subject or self.subject)
        honest = {"code": code, "state": params.get("state", ""), "iss": self.issuer}
        return changed(honest, self.callback)

    def _discovery(self, _: Seen) -> tuple[int, Any]:
        return 200, changed(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.origin}/authorize",
                "token_endpoint": f"{self.origin}/token",
                "jwks_uri": f"{self.origin}/jwks",
                "userinfo_endpoint": f"{self.origin}/userinfo",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256", "ES256"],
                "authorization_response_iss_parameter_supported": True,
            },
            self.metadata,
        )

    def _token(self, seen: Seen) -> tuple[int, Any]:
        if not self._authenticates(seen):
            return 401, {"error": "invalid_client"}
        if seen.params.get("grant_type") == "refresh_token":
            return self._refresh(seen)
        issued = self.codes.pop(seen.params.get("code", ""), None)
        verifier = seen.params.get("code_verifier", "").encode()
        digest = segment(hashlib.sha256(verifier).digest())
        if (
            issued is None
            or issued.params.get("code_challenge") != digest
            or issued.params.get("redirect_uri") != seen.params.get("redirect_uri")
        ):
            return 400, {"error": "invalid_grant", "error_description": f"no code {seen.params}"}
        answer = self._issue(issued)
        if "offline_access" in issued.params.get("scope", ""):
            answer["refresh_token"] = self._refreshable(issued)
        return 200, changed(answer, self.token_answer)

    def _issue(self, issued: Issued) -> dict[str, Any]:
        access_token = f"canary-access-{secrets.token_urlsafe(16)}"
        self.access_tokens[access_token] = issued.subject
        answer = {"access_token": access_token, "token_type": "Bearer", "expires_in": 300}
        return {**answer, "id_token": self.mint(issued, access_token)}

    def _refreshable(self, issued: Issued) -> str:
        refresh_token = f"canary-refresh-{secrets.token_urlsafe(16)}"
        self.refresh_tokens[refresh_token] = issued
        return refresh_token

    def _refresh(self, seen: Seen) -> tuple[int, Any]:
        presented = seen.params.get("refresh_token", "")
        issued = self.refresh_tokens.get(presented)
        if issued is None:
            return 400, {"error": "invalid_grant", "error_description": f"spent: {presented}"}
        answer = self._issue(Issued({**issued.params, "nonce": ABSENT}, issued.subject))
        if self.rotates:
            del self.refresh_tokens[presented]
            answer["refresh_token"] = self._refreshable(issued)
        return 200, changed(answer, self.refresh_answer)

    def mint(self, issued: Issued, access_token: str) -> str:
        honest = {"alg": "ES256", "typ": "JWT", "kid": self.signing_key.get("kid", ABSENT)}
        header = changed(honest, self.header)
        claims = {
            "iss": self.issuer,
            "sub": issued.subject,
            "aud": CLIENT_ID,
            "exp": self.now + 300,
            "iat": self.now,
            "nonce": issued.params.get("nonce", ABSENT),
            "at_hash": half_hash(access_token, header["alg"]),
            "auth_time": self.now - 5,
            "name": "Ada Lovelace",
            "email": "ada@example.com",
            "email_verified": True,
            "sid": "session-1",
        }
        payload = json.dumps(changed(claims, self.claims)).encode()
        return self.forge(sign(header, payload, self.signing_key))

    def _authenticates(self, seen: Seen) -> bool:
        if self.client_auth == "private_key_jwt":
            return self._asserts(seen)
        if self.client_auth == "client_secret_basic":
            given = seen.headers.get("authorization", "").removeprefix("Basic ")
            client_id, _, secret = b64decode(given).decode().partition(":")
            return (unquote_plus(client_id), unquote_plus(secret)) == (CLIENT_ID, CLIENT_SECRET)
        secret_expected = CLIENT_SECRET if self.client_auth == "client_secret_post" else None
        named = (seen.params.get("client_id"), seen.params.get("client_secret"))
        return "authorization" not in seen.headers and named == (CLIENT_ID, secret_expected)

    def _asserts(self, seen: Seen) -> bool:
        """Judge a client assertion as strictly as any provider: RFC 7523 §3."""
        kind = seen.params.get("client_assertion_type")
        if kind != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
            return False
        given = seen.params.get("client_assertion", "")
        try:
            claims = jwt.decode(given, self.client_key, algorithms=["ES256", "PS256"]).claims
        except JoseError:
            return False
        fresh = claims["jti"] not in self.assertions
        self.assertions.append(claims["jti"])
        named = (claims["iss"], claims["sub"], seen.params.get("client_id"))
        aud, lived = claims["aud"], claims["exp"] - claims["iat"]
        in_time = claims["iat"] <= self.now < claims["exp"] and lived <= 300
        return fresh and in_time and named == (CLIENT_ID,) * 3 and aud == self.assertion_audience

    def _userinfo(self, seen: Seen) -> tuple[int, Any]:
        token = seen.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.access_tokens:
            return 401, {"error": "invalid_token"}
        honest = {
            "sub": self.access_tokens[token],
            "name": "Ada from userinfo",
            "email": "info@example.com",
            "email_verified": False,
        }
        return 200, changed(honest, self.userinfo)

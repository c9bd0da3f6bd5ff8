"""A plain OAuth 2.0 server on 127.0.0.1, shaped like GitHub's, whose every answer a test can spoil

No ID token, no discovery: errors come with status 200, JSON only where it is asked for, the user is
a document with a number, and the addresses are a list of their own.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.upstream.hostile_idp import CLIENT_ID, CLIENT_SECRET, NOW, Issued, changed
from tests.upstream.jose import segment
from tests.upstream.spoiled_server import Seen, Spoiled, SpoiledServer

ID = 583231


class PlainServer:
    """One provider; start it with `with PlainServer() as idp`."""

    def __init__(self) -> None:
        self.now = NOW
        self.subject = str(ID)
        self.spoiled: dict[str, Spoiled] = {}  # by path
        self.token_answer: dict[str, Any] = {}  # changes to the token endpoint's answer
        self.user: dict[str, Any] = {}  # changes to the user document
        self.callback: dict[str, Any] = {}  # changes to the authorization response
        self.emails: list[Any] = [
            {"email": "old@example.com", "primary": False, "verified": True, "visibility": None},
            {
                "email": "ada@example.com",
                "primary": True,
                "verified": True,
                "visibility": "private",
            },
        ]
        self.codes: dict[str, Issued] = {}
        self.access_tokens: dict[str, str] = {}  # to the subject
        self._server = SpoiledServer(self._answer)
        self.origin = self._server.origin
        self.seen = self._server.seen

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    @property
    def issuer(self) -> str:
        return f"{self.origin}/login/oauth"

    def asked(self, path: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.path == path]

    def sign_in(self, authorization_url: str, subject: str | None = None) -> dict[str, str]:
        """Do what a browser and its user do: return the parameters of the callback."""
        query = urlsplit(authorization_url).query
        params = dict(parse_qsl(query, keep_blank_values=True))
        code = f"canary-code-{secrets.token_urlsafe(16)}"
        self.codes[code] = Issued(params, subject or self.subject)
        return changed(
            {"code": code, "state": params.get("state", ""), "iss": self.issuer}, self.callback
        )

    def _answer(self, seen: Seen) -> Spoiled:
        if seen.path in self.spoiled:
            return self.spoiled[seen.path]
        documents = {
            "/login/oauth/access_token": self._token,
            "/user": self._user,
            "/user/emails": lambda seen: (200, self.emails) if self._whose(seen) else (401, {}),
        }
        status, members = documents.get(seen.path, lambda _: (404, {"message": "Not Found"}))(seen)
        if seen.headers.get("accept") != "application/json" and isinstance(members, Mapping):
            return Spoiled(status, urlencode(members).encode())
        return Spoiled(status, json.dumps(members).encode(), {"Content-Type": "application/json"})

    def _token(self, seen: Seen) -> tuple[int, Any]:
        given = (seen.params.get("client_id"), seen.params.get("client_secret"))
        if given != (CLIENT_ID, CLIENT_SECRET):
            return 200, {"error": "incorrect_client_credentials"}
        issued = self.codes.pop(seen.params.get("code", ""), None)
        digest = segment(hashlib.sha256(seen.params.get("code_verifier", "").encode()).digest())
        if (
            issued is None
            or issued.params.get("code_challenge") != digest
            or issued.params.get("redirect_uri") != seen.params.get("redirect_uri")
        ):
            return 200, {"error": "bad_verification_code", "error_description": f"{seen.params}"}
        access_token = f"canary-access-{secrets.token_urlsafe(16)}"
        self.access_tokens[access_token] = issued.subject
        honest = {"access_token": access_token, "scope": "read:user,user:email"}
        return 200, changed({**honest, "token_type": "bearer"}, self.token_answer)

    def _user(self, seen: Seen) -> tuple[int, Any]:
        whose = self._whose(seen)
        if whose is None:
            return 401, {"message": "Bad credentials"}
        honest = {
            "login": f"ada-{whose}",
            "id": int(whose),
            "node_id": "MDQ6VXNlcjE=",
            "type": "User",
            "site_admin": False,
            "name": "Ada Lovelace",
            "company": None,
            "email": "shown@example.com",
        }
        return 200, changed(honest, self.user)

    def _whose(self, seen: Seen) -> str | None:
        token = seen.headers.get("authorization", "").removeprefix("Bearer ")
        return self.access_tokens.get(token)

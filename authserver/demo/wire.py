"""Watches what the MCP client sends and gets, and tells it: RFC 9728, RFC 8414, RFC 7591, RFC 6749.

The official client decides by itself what to send. Here is only read along, and held against
what each answer must contain.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import httpx2

from authserver.demo.story import StepFailed, Story

TITLES = {
    "no token": "The client calls the MCP server. It has no token.",
    "resource": "It asks the MCP server which authorization server protects it.",
    "server": "It reads what the authorization server can do.",
    "register": "It registers itself: nobody had to create a client id.",
    "code": "The client redeems the code.",
    "refresh": "Later the access token has run out: the client refreshes.",
}

_SHORTENED = frozenset(
    {"client_id", "code", "code_challenge", "code_verifier", "refresh_token", "state"}
)

Members = Mapping[str, Any]


@dataclass
class Wire:
    """What has been seen so far of one client's exchanges with `mcp_url` and its server."""

    mcp_url: str
    story: Story
    told: set[str] = field(default_factory=set)
    issuer: str = ""
    registration_endpoint: str = ""
    token_endpoint: str = ""
    tokens: Members = field(default_factory=dict, repr=False)

    async def on_request(self, request: httpx2.Request) -> None:
        """Begin the step that this request belongs to."""
        kind = self._kind(request)
        if kind is None or kind in self.told:
            return
        if self.story.titles[-1:] != [TITLES[kind]]:  # the same step looks in the next place
            self.story.step(TITLES[kind])
        self.story.sent(f"{request.method} {request.url}")
        if kind == "register":
            wanted = json.loads(request.content)
            self.story.note(
                f"name {wanted['client_name']!r}, sends people back to "
                f"{' '.join(wanted['redirect_uris'])}"
            )
        if kind in ("code", "refresh"):
            form = dict(parse_qsl(request.content.decode()))
            self.story.note(shown(form))

    async def on_response(self, response: httpx2.Response) -> None:
        """Hold the answer against what the step promises; a StepFailed is told and kept."""
        kind = self._kind(response.request)
        if kind is None or kind in self.told:
            return
        if kind in ("resource", "server") and response.status_code == 404:
            self.story.seen("404: it tries the next place")
            return
        self.told.add(kind)
        try:
            await response.aread()
            judges: dict[str, Callable[[httpx2.Response], None]] = {
                "no token": self._challenge,
                "resource": self._resource,
                "server": self._server,
                "register": self._registered,
                "code": self._redeemed,
                "refresh": self._refreshed,
            }
            judges[kind](response)
        except StepFailed as failed:
            self.story.fail(str(failed))

    def missing(self) -> list[str]:
        """Return the titles of the steps that never happened."""
        return [title for kind, title in TITLES.items() if kind not in self.told]

    def _kind(self, request: httpx2.Request) -> str | None:
        url, path = str(request.url), request.url.path
        if path.startswith("/.well-known/oauth-protected-resource"):
            return "resource"
        if "/.well-known/" in path:
            return "server"
        if url == self.registration_endpoint:
            return "register"
        if url == self.token_endpoint:
            refreshes = b"grant_type=refresh_token" in request.content
            return "refresh" if refreshes else "code"
        return "no token" if "Authorization" not in request.headers else None

    def _challenge(self, response: httpx2.Response) -> None:
        challenge = response.headers.get("WWW-Authenticate", "")
        self.story.seen(f"{response.status_code}")
        self.story.note(f"WWW-Authenticate: {challenge}")
        expect(response.status_code == 401, "a request without a token must be answered with 401")
        expect(challenge.startswith("Bearer "), "the challenge must begin with Bearer")
        expect("resource_metadata=" in challenge, "the challenge must name the resource metadata")
        expect("error=" not in challenge, "a request without a token is no error (RFC 6750 §3.1)")

    def _resource(self, response: httpx2.Response) -> None:
        metadata = _json(response, 200)
        self.issuer = " ".join(metadata.get("authorization_servers", []))
        self.story.seen(f"{metadata.get('resource')} is protected by {self.issuer}")
        self.story.note(f"scopes: {', '.join(metadata.get('scopes_supported', []))}")
        expect(metadata.get("resource") == self.mcp_url, "the resource must be the URL we called")

    def _server(self, response: httpx2.Response) -> None:
        metadata = _json(response, 200)
        self.story.seen(f"issuer {metadata.get('issuer')}")
        for member in ("authorization_endpoint", "token_endpoint", "registration_endpoint"):
            self.story.note(f"{member}: {metadata.get(member)}")
            expect(member in metadata, f"the metadata must have {member}")
        self.registration_endpoint = metadata["registration_endpoint"]
        self.token_endpoint = metadata["token_endpoint"]
        methods = metadata.get("code_challenge_methods_supported")
        expect(metadata.get("issuer") == self.issuer, f"the issuer must be {self.issuer}")
        expect(methods == ["S256"], f"PKCE must be S256 and nothing else, not {methods}")

    def _registered(self, response: httpx2.Response) -> None:
        client = _json(response, 201)
        method = client.get("token_endpoint_auth_method")
        self.story.seen(f"client_id {short(str(client.get('client_id')))}, authenticates: {method}")
        expect(bool(client.get("client_id")), "the answer must have a client_id")
        expect("client_secret" not in client, "a public client must get no secret")

    def _redeemed(self, response: httpx2.Response) -> None:
        tokens = self._bearer(response)
        self.tokens = tokens
        self.story.note(f"refresh token {short(tokens.get('refresh_token', ''))}")
        expect("refresh_token" in tokens, "the answer must have a refresh token")

    def _refreshed(self, response: httpx2.Response) -> None:
        before, tokens = self.tokens, self._bearer(response)
        self.tokens = tokens
        old, new = before.get("refresh_token", ""), tokens.get("refresh_token", "")
        self.story.note(f"refresh token {short(old)} is used up, the next is {short(new)}")
        expect(bool(new) and new != old, "every refresh must bring a new refresh token")
        expect(tokens["access_token"] != before.get("access_token"), "the access token must be new")

    def _bearer(self, response: httpx2.Response) -> Members:
        tokens = _json(response, 200)
        expect(tokens.get("token_type") == "Bearer", "the token type must be Bearer")
        header, claims = parts_of(str(tokens.get("access_token")))
        self.story.seen(
            f"access token for {tokens.get('expires_in')} s, scope {tokens.get('scope')}"
        )
        self.story.note(
            f"sub {claims.get('sub')}, aud {claims.get('aud')}, iss {claims.get('iss')}"
        )
        expect(header.get("typ") == "at+jwt", "the access token must be of the type at+jwt")
        expect(claims.get("iss") == self.issuer, f"the token must come from {self.issuer}")
        expect(claims.get("aud") == self.mcp_url, f"the token must be for {self.mcp_url} only")
        return tokens


def expect(holds: bool, promise: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Raise StepFailed with the promise that does not hold."""
    if not holds:
        raise StepFailed(promise)


def short(secret: str) -> str:
    """Return enough of a secret or an id to recognise it."""
    return secret if len(secret) <= 12 else f"{secret[:12]}…"


def shown(parameters: Mapping[str, str]) -> str:
    """Return parameters as they are told, whatever is secret or merely long in short."""
    return ", ".join(
        f"{name}={short(value) if name in _SHORTENED else value}"
        for name, value in parameters.items()
    )


def parts_of(token: str) -> tuple[Members, Members]:
    """Return header and claims of a JWT, unverified, to show them; raises StepFailed."""
    try:
        header, claims, _ = token.split(".")
        return _part(header), _part(claims)
    except (ValueError, binascii.Error) as error:
        raise StepFailed("the access token must be a JWT") from error


def _part(encoded: str) -> Members:
    part = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    if not isinstance(part, dict):
        raise StepFailed("the access token must be a JWT")
    return part


def _json(response: httpx2.Response, status: int) -> Members:
    body = response.text
    expect(
        response.status_code == status,
        f"{response.request.url} must answer {status}, not {response.status_code}: {body[:500]}",
    )
    try:
        members = json.loads(body)
    except ValueError as error:
        raise StepFailed(f"{response.request.url} must answer JSON, not: {body[:200]}") from error
    expect(isinstance(members, dict), f"{response.request.url} must answer a JSON object")
    return dict(members)

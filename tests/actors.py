"""Who meets the server in tests: an MCP client, a user's browser, and a server with its IdP."""

import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Self, cast
from urllib.parse import parse_qs, urlencode, urlsplit

import flask.testing
from werkzeug.test import TestResponse

from authserver.app import AuthServer
from authserver.audit import Audit
from authserver.oauth import pkce
from authserver.settings import Settings, load
from authserver.upstream.bulkhead import DEFAULT_CALLS
from authserver.web import create_app
from tests.upstream.hostile_idp import CLIENT_ID, CLIENT_SECRET, NOW, HostileIdp

ISSUER = "https://auth.example"
RESOURCE = "https://issues.example/mcp"
LOOPBACK = "http://127.0.0.1:3999/callback"
VERIFIER = "v" * 43

CONFIG = """
issuer = "{issuer}"

[upstream]
type = "oidc"
issuer = "{upstream}"
client_id = "{client_id}"
client_secret = "file:upstream-secret"
name = "Example IdP"
client_auth = "client_secret_basic"

[database]
url = "file:database-url"

[keys]
seal = ["file:sealing-key"]

[resources.issues]
url = "https://issues.example/mcp"
name = "Issue tracker"
scopes = {{ "issues:read" = "Read your issues", "issues:write" = "Create and close issues" }}

[resources.wiki]
url = "https://wiki.example/mcp"
name = "Wiki"
scopes = {{ "wiki:read" = "Read the wiki" }}
"""


def write_config(
    folder: Path, database: str, upstream: str, issuer: str = ISSUER, more: str = ""
) -> Path:
    """Write a complete configuration into a folder; `more` is TOML that is appended."""
    (folder / "upstream-secret").write_text(CLIENT_SECRET)
    (folder / "sealing-key").write_bytes(sha256(b"a sealing key for tests").digest())
    (folder / "database-url").write_text(database)
    path = folder / "authserver.toml"
    filled = CONFIG.format(issuer=issuer, upstream=upstream, client_id=CLIENT_ID)
    path.write_text(filled + more)
    return path


@dataclass
class Clock:
    """Time that a test moves."""

    now: int = NOW

    def __call__(self) -> int:
        return self.now


class Deployment:
    """One server with its settings, clock, audit events and IdP."""

    def __init__(
        self,
        settings: Settings,
        idp: HostileIdp,
        clock: Clock | None = None,
        *,
        upstream_calls: int = DEFAULT_CALLS,
    ) -> None:
        self.settings = settings
        self.idp = idp
        self.clock = clock or Clock()
        self.events: list[dict[str, Any]] = []
        audit = Audit(lambda line: self.events.append(json.loads(line)))
        self.app = create_app(
            settings,
            clock=self.clock,
            audit=audit,
            upkeep=False,
            upstream_calls=upstream_calls,
        )
        self.app.testing = True
        self.server: AuthServer = self.app.extensions["authserver"]

    @classmethod
    def start(
        cls, folder: Path, database: str, idp: HostileIdp, issuer: str = ISSUER, more: str = ""
    ) -> "Deployment":
        return cls(load(write_config(folder, database, idp.issuer, issuer, more)), idp)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.store.close()

    @property
    def issuer(self) -> str:
        return self.settings.issuer

    def wait(self, seconds: int) -> None:
        self.clock.now += seconds
        self.idp.now += seconds

    def http(self) -> flask.testing.FlaskClient:
        """Return a client that keeps no cookies: what a machine sends."""
        return self.app.test_client(use_cookies=False)

    def last(self, event: str) -> dict[str, Any]:
        return next(each for each in reversed(self.events) if each["event"] == event)


class _Forms(HTMLParser):
    """Reads the forms and links of a page as a browser would."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append({"action": found.get("action", ""), "fields": []})
        elif tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag == "input" and self.forms and found.get("name") and self._is_sent(found):
            self.forms[-1]["fields"].append((found["name"], found.get("value", "on")))

    @staticmethod
    def _is_sent(found: dict[str, str]) -> bool:
        return found.get("type") != "checkbox" or "checked" in found


def forms_of(page: TestResponse) -> list[dict[str, Any]]:
    parser = _Forms()
    parser.feed(page.get_data(as_text=True))
    return parser.forms


def links_of(page: TestResponse) -> list[str]:
    parser = _Forms()
    parser.feed(page.get_data(as_text=True))
    return parser.links


class Browser:
    """One browser with its cookies; it follows redirects while they stay at our server."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.client = deployment.app.test_client()

    def get(self, url: str, headers: dict[str, str] | None = None) -> TestResponse:
        path = self._path(url)
        return self._follow(self.client.get(path, base_url=self._origin(), headers=headers or {}))

    def submit(
        self, page: TestResponse, form: int = 0, *, follow: bool = True, **fields: Any
    ) -> TestResponse:
        """Send a form as it stands, with `fields` set (None takes one away, a list repeats)."""
        found = forms_of(page)[form]
        kept = [(name, value) for name, value in found["fields"] if name not in fields]
        for name, value in fields.items():
            values = value if isinstance(value, list) else [value]
            kept += [(name, each) for each in values if each is not None]
        answer = self.client.post(
            self._path(found["action"]),
            base_url=self._origin(),
            data=urlencode(kept),
            content_type="application/x-www-form-urlencoded",
        )
        return self._follow(answer) if follow else answer

    def sign_in(self, page: TestResponse, subject: str | None = None) -> TestResponse:
        """Press the button of the sign-in page, sign in at the IdP, come back."""
        away = self.submit(page, decision="continue")
        assert away.status_code == 303, away.get_data(as_text=True)
        return self.come_back(self.deployment.idp.sign_in(away.headers["Location"], subject))

    def come_back(self, callback: dict[str, str]) -> TestResponse:
        return self.get(f"{self.deployment.issuer}/callback?{urlencode(callback)}")

    def approve(self, url: str, subject: str | None = None) -> TestResponse:
        """Go the whole way from an authorization URL to the answer."""
        page = self.get(url)
        if "/sign-in" in page.request.path:
            page = self.sign_in(page, subject)
        if "/consent" in page.request.path and page.status_code == 200:
            form = next(i for i, f in enumerate(forms_of(page)) if self._decides(f))
            page = self.submit(page, form, decision="approve")
        return page

    @staticmethod
    def _decides(form: dict[str, Any]) -> bool:
        return any(name == "scope" for name, _ in form["fields"])

    def _follow(self, answer: TestResponse) -> TestResponse:
        for _ in range(6):
            location = answer.headers.get("Location", "")
            path = urlsplit(location).path
            ours = location.startswith(self.deployment.issuer + "/")
            if not ours or answer.status_code != 303 or path.endswith("/mcp"):
                return answer
            answer = self.client.get(self._path(location), base_url=self._origin())
        raise AssertionError("redirected without end")

    def _origin(self) -> str:
        parts = urlsplit(self.deployment.issuer)
        return f"{parts.scheme}://{parts.netloc}"

    def _path(self, url: str) -> str:
        parts = urlsplit(url)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path


@dataclass
class McpClient:
    """An MCP client such as Cursor: it registers, authorizes, redeems and refreshes."""

    deployment: Deployment
    redirect_uri: str = LOOPBACK
    metadata: dict[str, Any] = field(default_factory=dict)
    client_id: str = ""
    client_secret: str | None = None

    def register(self) -> "McpClient":
        body = {
            "redirect_uris": [self.redirect_uri],
            "client_name": "Test client",
            "token_endpoint_auth_method": "none",
            **self.metadata,
        }
        answer = self.deployment.http().post(self._path("/register"), json=body)
        assert answer.status_code == 201, answer.get_data(as_text=True)
        self.client_id = answer.json["client_id"]
        self.client_secret = answer.json.get("client_secret")
        return self

    def authorize_params(self, **changes: Any) -> dict[str, Any]:
        params = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "state": "state-1",
            "code_challenge": pkce.challenge(VERIFIER),
            "code_challenge_method": "S256",
            "resource": RESOURCE,
            **changes,
        }
        return {name: value for name, value in params.items() if value is not None}

    def authorize_url(self, **changes: Any) -> str:
        query = urlencode(self.authorize_params(**changes), doseq=True)
        return f"{self.deployment.issuer}/authorize?{query}"

    def code_params(self, code: str, **changes: Any) -> dict[str, Any]:
        params = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "client_id": self.client_id,
            "code_verifier": VERIFIER,
            "resource": RESOURCE,
            **changes,
        }
        return {name: value for name, value in params.items() if value is not None}

    def redeem(self, code: str, **changes: Any) -> TestResponse:
        return self.token(self.code_params(code, **changes))

    def refresh(self, refresh_token: str, **changes: Any) -> TestResponse:
        params = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": self.client_id,
            "resource": RESOURCE,
            **changes,
        }
        return self.token({n: v for n, v in params.items() if v is not None})

    def token(self, params: dict[str, Any], **kwargs: Any) -> TestResponse:
        if self.client_secret and "headers" not in kwargs and "client_secret" not in params:
            params = {**params, "client_secret": self.client_secret}
        return self.deployment.http().post(
            self._path("/token"),
            data=urlencode(params, doseq=True),
            content_type="application/x-www-form-urlencoded",
            **kwargs,
        )

    def code(self, browser: Browser | None = None, **changes: Any) -> str:
        """Connect as far as the code."""
        answer = (browser or Browser(self.deployment)).approve(self.authorize_url(**changes))
        return response_of(answer)["code"]

    def connect(self, browser: Browser | None = None, **changes: Any) -> dict[str, Any]:
        """Connect and return the token response."""
        answer = self.redeem(self.code(browser, **changes))
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return cast("dict[str, Any]", answer.json)

    def _path(self, path: str) -> str:
        return urlsplit(self.deployment.issuer).path + path


def response_of(answer: TestResponse) -> dict[str, str]:
    """Return the parameters of an authorization response, by redirect or by link."""
    target = answer.headers.get("Location") or next(
        link for link in links_of(answer) if "iss=" in link
    )
    query = parse_qs(urlsplit(target).query, keep_blank_values=True, strict_parsing=True)
    assert all(len(values) == 1 for values in query.values()), query
    return {name: values[0] for name, values in query.items()}


def claims_of(token: str) -> dict[str, Any]:
    """Return the claims of a JWT, not verified."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims

"""A device without a browser, and a user who types its code in a browser elsewhere"""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.actors import RESOURCE, Browser, Deployment, forms_of

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
ON = "[server]\ndevice_authorization = true\n"


@dataclass
class Device:
    """A client such as a television: it registers, asks for a code, and polls."""

    deployment: Deployment
    metadata: dict[str, Any] = field(default_factory=dict)
    client_id: str = ""
    client_secret: str | None = None
    device_code: str = ""
    user_code: str = ""
    verification_uri: str = ""

    def register(self) -> "Device":
        body = {"client_name": "Television", "grant_types": [GRANT_TYPE, "refresh_token"]}
        answer = self._http.post(self._path("/register"), json={**body, **self.metadata})
        assert answer.status_code == 201, answer.get_data(as_text=True)
        self.client_id = answer.json["client_id"]
        self.client_secret = answer.json.get("client_secret")
        return self

    def ask(self, **changes: Any) -> "Device":
        answer = self.request(**changes)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        for name in ("device_code", "user_code", "verification_uri"):
            setattr(self, name, answer.json[name])
        return self

    def request(self, **changes: Any) -> Any:
        return self.post("/device_authorization", {"resource": RESOURCE, **changes})

    def poll(self, **changes: Any) -> Any:
        """Ask for the tokens."""
        params = {"grant_type": GRANT_TYPE, "device_code": self.device_code}
        return self.post("/token", {**params, **changes})

    def post(self, path: str, params: dict[str, Any], **options: Any) -> Any:
        own = {"client_id": self.client_id, "client_secret": self.client_secret}
        sent = {name: value for name, value in {**own, **params}.items() if value is not None}
        return self._http.post(
            self._path(path),
            data=urlencode(sent, doseq=True),
            content_type="application/x-www-form-urlencoded",
            **options,
        )

    def error(self, **changes: Any) -> str:
        answer = self.poll(**changes)
        assert answer.status_code == 400, answer.get_data(as_text=True)
        return str(answer.json["error"])

    @property
    def _http(self) -> Any:
        return self.deployment.http()

    def _path(self, path: str) -> str:
        return urlsplit(self.deployment.issuer).path + path


def type_code(browser: Browser, user_code: str) -> Any:
    """Open the page, type a code, and follow to the page that comes."""
    page = browser.get(f"{browser.deployment.issuer}/device")
    return browser.submit(page, user_code=user_code)


def to_consent(browser: Browser, user_code: str, subject: str | None = None) -> Any:
    """Type a code, and sign in where needed."""
    page = type_code(browser, user_code)
    return browser.sign_in(page, subject) if page.request.path.endswith("/sign-in") else page


def decide(browser: Browser, page: Any, decision: str, **fields: Any) -> Any:
    """Press a button of the consent page."""
    form = next(
        number
        for number, each in enumerate(forms_of(page))
        if any(name == "scope" for name, _ in each["fields"])
    )
    return browser.submit(page, form, decision=decision, **fields)


def approve(browser: Browser, user_code: str, **fields: Any) -> Any:
    return decide(browser, to_consent(browser, user_code), "approve", **fields)

"""The rules of an authorization request: OpenID Connect Core 1.0 §3.1.2, RFC 7636 §4.3."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from werkzeug.datastructures import MultiDict

SCOPES = ("openid", "profile", "email")
PROMPTS = frozenset({"none", "login", "consent", "select_account"})
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_UNSUPPORTED = {  # Core §6.1, §6.2, §7.2.1
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}


class Refusal(Exception):
    """An error code with its sentence; where it travels is the endpoint's matter."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.error, self.description, self.status = error, description, status

    def members(self) -> dict[str, str]:
        """Return the members as they travel."""
        return {"error": self.error, "error_description": self.description}


@dataclass(frozen=True, slots=True)
class Asked:
    """An authorization request whose checks have all passed."""

    redirect_uri: str
    state: str | None
    nonce: str | None
    scope: tuple[str, ...]
    code_challenge: str = field(repr=False)
    prompt: frozenset[str]
    max_age: int | None
    login_hint: str | None


def parameters(sent: MultiDict[str, str]) -> dict[str, str]:
    """Return the parameters, each at most once, an empty one being absent (RFC 6749 §3.1)."""
    if any(len(values) > 1 for _, values in sent.lists()):
        raise Refusal("invalid_request", "A parameter was sent more than once.")
    return {name: value for name, value in sent.items() if value}


def check(sent: Mapping[str, str], redirect_uri: str) -> Asked:
    """Return the request when every rule holds; raises a Refusal that may be redirected."""
    for name, error in _UNSUPPORTED.items():
        if name in sent:
            raise Refusal(error, "This parameter is not supported.")
    if sent.get("response_type") != "code":
        raise Refusal("unsupported_response_type", "response_type must be code.")
    if sent.get("response_mode", "query") != "query":
        raise Refusal("invalid_request", "response_mode must be query.")
    scope = sent.get("scope", "").split(" ")
    if "openid" not in scope:
        raise Refusal("invalid_scope", "The scope must contain openid.")
    return Asked(
        redirect_uri=redirect_uri,
        state=sent.get("state"),
        nonce=sent.get("nonce"),
        scope=tuple(name for name in SCOPES if name in scope),
        code_challenge=_code_challenge(sent),
        prompt=_prompt(sent.get("prompt", "")),
        max_age=_max_age(sent.get("max_age")),
        login_hint=sent.get("login_hint"),
    )


def _code_challenge(sent: Mapping[str, str]) -> str:
    if sent.get("code_challenge_method") != "S256":
        raise Refusal("invalid_request", "code_challenge_method must be S256.")
    if not _CHALLENGE.match(sent.get("code_challenge", "")):
        raise Refusal("invalid_request", "code_challenge is not an S256 challenge.")
    return sent["code_challenge"]


def _prompt(sent: str) -> frozenset[str]:
    prompt = frozenset(sent.split())
    if not prompt <= PROMPTS or ("none" in prompt and len(prompt) > 1):
        raise Refusal("invalid_request", "prompt is not one that is supported.")
    return prompt


def _max_age(sent: str | None) -> int | None:
    if sent is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", sent):
        raise Refusal("invalid_request", "max_age is not a number of seconds.")
    return int(sent)

"""A client, resources and a grant as most tests need them, and how a test says "refused"."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import pytest

from authserver.oauth.authorization import AuthorizationRequest
from authserver.oauth.client import Client
from authserver.oauth.errors import Code, OAuthError
from authserver.oauth.grant import Grant
from authserver.oauth.params import Params, from_pairs
from authserver.oauth.resource import Resource, Scope

NOW = 1_800_000_000
ISSUER = "https://auth.example.com"
# RFC 7636 Appendix B
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

ISSUES = Resource(
    key="issues",
    url="https://issues.example.com/mcp",
    name="Issue tracker",
    scopes={
        "issues:read": Scope("Read your issues"),
        "issues:write": Scope("Create and close issues"),
        "issues:purge": Scope("Delete everything", sensitive=True),
    },
)
WIKI = Resource(
    key="wiki", url="https://wiki.example.com/mcp", name="Wiki", scopes={"wiki:read": Scope("Read")}
)
CLIENT = Client(client_id="mcp-1", redirect_uris=("http://127.0.0.1:3999/callback",))
REQUEST = AuthorizationRequest(
    client_id="mcp-1",
    redirect_uri="http://127.0.0.1:3999/callback",
    redirect_uri_given=True,
    state="s",
    scope=("issues:read",),
    resource=ISSUES.url,
    code_challenge=CHALLENGE,
)
GRANT = Grant(
    id="grant-1",
    handle="00112233445566778899aabbccddeeff",
    client_id="mcp-1",
    sub="user-1",
    resource=ISSUES.url,
    scope=("issues:read", "issues:write"),
    auth_time=NOW - 100,
    seed=b"s" * 32,
    generation=3,
    rotated_at=NOW,
    created_at=NOW - 1000,
    expires_at=NOW + 365 * 86400,
    idle_expires_at=NOW + 30 * 86400,
    epochs=0,
)


P = ParamSpec("P")
T = TypeVar("T")


def params(*pairs: tuple[str, str], **values: str) -> Params:
    return from_pairs((*pairs, *values.items()))


@contextmanager
def refused(code: Code) -> Iterator[pytest.ExceptionInfo[OAuthError]]:
    """Expect an OAuthError of this code; yields what pytest caught."""
    with pytest.raises(OAuthError) as caught:
        yield caught
    assert caught.value.code == code


def attempt(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | OAuthError:
    """Return what the function returns, or its refusal: a property test takes either."""
    try:
        return function(*args, **kwargs)
    except OAuthError as error:
        return error

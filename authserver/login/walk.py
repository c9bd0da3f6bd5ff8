"""One login: code with PKCE, and what came of it: OAuth 2.1 §4.1, RFC 9207, RFC 7009"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from authserver.login.discovery import INITIALIZE, MCP_HEADERS, Found
from authserver.login.errors import LoginFailed
from authserver.login.http import Http
from authserver.login.listener import Listener
from authserver.oauth import command_line, opaque, pkce
from authserver.oauth.errors import OAuthError
from authserver.resource_server import Verifier

_ALGORITHMS = ("ES256", "RS256", "EdDSA")
Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Wishes:
    """How to log in: as which client (our own where None), with which scope, for how long to wait.

    `keep` leaves the token alive; else it is revoked once it was tried.
    """

    client_id: str | None = None
    scope: str | None = None
    timeout: float = 300.0
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a login came to. `mcp_status` is what the MCP server answered to the token."""

    issuer: str
    resource: str
    client_id: str
    scope: str
    expires_in: int | None
    claims: Mapping[str, object]
    access_token: str = field(repr=False)
    mcp_status: int | None = None
    revoked: bool = False


def log_in(http: Http, found: Found, wishes: Wishes, open_browser: Say, now: int) -> Outcome:
    """Log in through the browser, check the token as MCP servers do, and try it there.

    Raises LoginFailed.
    """
    _check_server(found)
    client_id = wishes.client_id or _own_client(http, found)
    verifier = opaque.random_value()
    state = opaque.random_value()
    listener = Listener(state)
    with listener.listening():
        open_browser(_authorization_url(found, wishes, client_id, listener, state, verifier))
        answer = listener.wait(wishes.timeout)
    code = _code(found, answer, wishes.timeout)
    tokens = http.post_form(
        found.endpoint("token_endpoint"),
        {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": listener.redirect_uri,
            "client_id": client_id,
            "code_verifier": verifier,
            "resource": found.resource,
        },
    )
    if tokens.status != 200:
        raise LoginFailed(f"The token endpoint refused the code: {_error(tokens.document)}")
    return _tried(http, found, wishes, client_id, tokens.document, now)


def _check_server(found: Found) -> None:
    methods = found.metadata.get("code_challenge_methods_supported")
    if not (isinstance(methods, list) and "S256" in methods):
        raise LoginFailed(f"{found.issuer} does not offer PKCE with S256, which MCP demands.")


def _own_client(http: Http, found: Found) -> str:
    url = command_line.client_id(found.issuer)
    if found.metadata.get("client_id_metadata_document_supported") is not True:
        raise LoginFailed(
            f"{found.issuer} takes no clients that publish themselves, ours among them "
            "([client_documents] enabled = false).\nName one that it knows with --client-id: a "
            f"public one with the redirect URI {command_line.REDIRECT_URI}."
        )
    answer = http.get(url)
    if answer.status != 200 or answer.document.get("client_id") != url:
        raise LoginFailed(
            f"There is no client for the command line at {url}: this is another kind of server, "
            "or a proxy does not pass /.well-known/ on.\nName a client with --client-id."
        )
    return url


def _authorization_url(
    found: Found, wishes: Wishes, client_id: str, listener: Listener, state: str, verifier: str
) -> str:
    parameters = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": listener.redirect_uri,
        "state": state,
        "code_challenge": pkce.challenge(verifier),
        "code_challenge_method": "S256",
        "resource": found.resource,
        **({} if wishes.scope is None else {"scope": wishes.scope}),
    }
    endpoint = found.endpoint("authorization_endpoint")
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}"


def _code(found: Found, answer: Mapping[str, str] | None, timeout: float) -> str:
    """Return the code; the answer's `state` was the listener's to check."""
    if answer is None:
        raise LoginFailed(f"The browser did not come back within {timeout:.0f} seconds.")
    promised = found.metadata.get("authorization_response_iss_parameter_supported") is True
    iss = answer.get("iss")
    if (promised or iss is not None) and not hmac.compare_digest(
        (iss or "").encode(), found.issuer.encode()
    ):
        raise LoginFailed(f"The answer is not from {found.issuer}: its iss is {iss}.")
    if "error" in answer:
        raise LoginFailed(f"The login was refused: {_error(answer)}")
    if not answer.get("code"):
        raise LoginFailed("The answer has no code in it.")
    return answer["code"]


def _tried(
    http: Http,
    found: Found,
    wishes: Wishes,
    client_id: str,
    tokens: Mapping[str, object],
    now: int,
) -> Outcome:
    token, expires_in = tokens.get("access_token"), tokens.get("expires_in")
    if not isinstance(token, str) or str(tokens.get("token_type")).lower() != "bearer":
        raise LoginFailed("The token endpoint answered 200 without a Bearer token.")
    verifier = Verifier(
        found.issuer, found.resource, jwks_uri=found.endpoint("jwks_uri"), algorithms=_ALGORITHMS
    )
    try:
        claims = verifier.verify(token, now=now).claims
    except OAuthError as error:
        raise LoginFailed(
            f"There is a token, but MCP servers would refuse it: {error.detail or error.code}"
        ) from None
    status = None
    if found.mcp_url is not None:
        headers = {**MCP_HEADERS, "Authorization": f"Bearer {token}"}
        status = http.post_json(found.mcp_url, INITIALIZE, headers).status
    return Outcome(
        issuer=found.issuer,
        resource=found.resource,
        client_id=client_id,
        scope=str(tokens.get("scope", "")),
        expires_in=expires_in if isinstance(expires_in, int) else None,
        claims=claims,
        access_token=token,
        mcp_status=status,
        revoked=not wishes.keep and _revoke(http, found, client_id, token),
    )


def _revoke(http: Http, found: Found, client_id: str, token: str) -> bool:
    if "revocation_endpoint" not in found.metadata:
        return False
    form = {"token": token, "token_type_hint": "access_token", "client_id": client_id}
    return http.post_form(found.endpoint("revocation_endpoint"), form).status == 200


def _error(answer: Mapping[str, object]) -> str:
    description = answer.get("error_description")
    return f"{answer.get('error')}{f': {description}' if description else ''}"

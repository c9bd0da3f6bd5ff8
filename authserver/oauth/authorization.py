"""The authorization request, its checks in order, and its response: OAuth 2.1 §4.1, RFC 9207."""

from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from authserver.oauth import binding, pkce, redirect_uri, resource, scope
from authserver.oauth.client import Client
from authserver.oauth.errors import Code, OAuthError
from authserver.oauth.params import Params
from authserver.oauth.resource import Resource

MAX_STATE = 4096
MAX_NONCE = 512
MAX_LOGIN_HINT = 256
_PROMPTS = frozenset({"none", "login", "consent", "select_account"})
# Whoever sends these relies on them: refused, never ignored (OpenID Connect Core §3.1.2.6).
_UNSUPPORTED: dict[str, Code] = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
    "claims": "invalid_request",
    "authorization_details": "invalid_request",  # RFC 9396: ignored, it would grant too much
}


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A checked authorization request: everything that is decided later is decided from this.

    `resource` is the registered spelling, `scope` the granted maximum, `max_age` in seconds. That
    of a device has neither redirect URI nor code challenge: both are empty.
    """

    client_id: str
    redirect_uri: str
    redirect_uri_given: bool
    state: str | None
    scope: tuple[str, ...]
    resource: str
    code_challenge: str
    nonce: str | None = field(default=None, repr=False)
    prompt: frozenset[str] = frozenset()
    max_age: int | None = None
    login_hint: str | None = None
    dpop_jkt: str | None = None


def find_redirect_uri(params: Params, client: Client) -> str:
    """Return the proven redirect URI of a request; raises `invalid_request` (shown as a page).

    Omitted means the only one registered (OAuth 2.1 §2.3.2).
    """
    if "redirect_uri" in params.repeated:
        raise OAuthError("invalid_request", "redirect_uri is included more than once.")
    presented = params.get("redirect_uri")
    if presented is None:
        if len(client.redirect_uris) != 1:
            raise OAuthError("invalid_request", "redirect_uri is missing.")
        presented = client.redirect_uris[0]
    if redirect_uri.match(client.redirect_uris, presented) is None:
        raise OAuthError("invalid_request", "redirect_uri is not registered for this application.")
    return presented


def state_of(params: Params) -> str | None:
    """Return the state to send back, None where it is absent or unusable."""
    state = params.get("state")
    usable = state is not None and len(state) <= MAX_STATE and "state" not in params.repeated
    return state if usable else None


def check_need_not_push(client: Client, *, offered: bool) -> None:
    """Raise `invalid_request` for a client that said it always pushes (RFC 9126 §6)."""
    if not client.require_pushed_authorization_requests:
        return
    if not offered:
        raise OAuthError(
            "invalid_request", "This client pushes all its requests, and none are taken here."
        )
    raise OAuthError("invalid_request", "This client has to push its requests first.")


def parse_request(
    params: Params, client: Client, proven_redirect_uri: str, resources: tuple[Resource, ...]
) -> AuthorizationRequest:
    """Check a request whose client and redirect URI are proven; raises what the client is told."""
    params.check()
    _check_state(params)
    _check_response_type(params)
    check_unsupported(params)
    code_challenge = pkce.check_challenge(
        params.get("code_challenge"), params.get("code_challenge_method")
    )
    bound, granted = find_target(params, client, resources)
    return AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri=proven_redirect_uri,
        redirect_uri_given="redirect_uri" in params,
        state=params.get("state"),
        scope=granted,
        resource=bound.url,
        code_challenge=code_challenge,
        nonce=_bounded(params, "nonce", MAX_NONCE),
        prompt=_prompt(params),
        max_age=_max_age(params),
        login_hint=_bounded(params, "login_hint", MAX_LOGIN_HINT),
        dpop_jkt=binding.check_jkt(params.get("dpop_jkt")),
    )


def check_unsupported(params: Params) -> None:
    """Raise what the client is told of a parameter that it would rely on."""
    for name, code in _UNSUPPORTED.items():
        if name in params:
            raise OAuthError(code, f"The parameter {name} is not supported.")


def find_target(
    params: Params, client: Client, resources: tuple[Resource, ...]
) -> tuple[Resource, tuple[str, ...]]:
    """Return the one resource that a request is for, and the most that it may be granted there."""
    open_ = tuple(each for each in resources if client.may_use(each))
    bound = resource.bind(open_, params.all("resource"))
    return bound, _scope(params, client, bound)


def response_url(
    redirect_uri_: str, issuer: str, state: str | None, members: dict[str, str]
) -> str:
    """Return the redirect URI with the response in its query: always `iss`, and `state` unchanged.

    The query that the client registered is kept (OAuth 2.1 §2.3).
    """
    answer = dict(members)
    if state is not None:
        answer["state"] = state
    answer["iss"] = issuer
    separator = "?" if "?" not in redirect_uri_ else "" if redirect_uri_[-1] in "?&" else "&"
    # A space travels as %20: every client decodes it, while some take + for a plus.
    return f"{redirect_uri_}{separator}{urlencode(answer, quote_via=quote, safe='')}"


def _check_state(params: Params) -> None:
    if len(params.get("state") or "") > MAX_STATE:
        raise OAuthError("invalid_request", f"state is longer than {MAX_STATE} characters.")


def _check_response_type(params: Params) -> None:
    if params.require("response_type") != "code":
        raise OAuthError("unsupported_response_type", "response_type must be code.")
    if params.get("response_mode") not in (None, "query"):
        raise OAuthError("invalid_request", "response_mode must be query.")


def _scope(params: Params, client: Client, bound: Resource) -> tuple[str, ...]:
    """Return what this request may be granted at most.

    Unknown scopes are dropped. A request that names no scope of the resource gets those that the
    client registered, else all that are not sensitive: a token without any would be of no use,
    and the user sees each of them. What a client did register is its maximum; one whose scopes
    are all of other resources gets no sensitive scope here.
    """
    requested = scope.parse(params.get("scope"))
    standard = scope.keep(requested, scope.STANDARD)
    registered = scope.keep(client.scope or (), bound.scopes)
    if client.resources is not None and bound.scopes and not registered:
        raise OAuthError("invalid_scope", "The client may have no scope of this resource.")
    default = registered or bound.default_scope()
    ceiling = tuple(bound.scopes) if client.scope is None else default
    named = scope.keep(requested, ceiling) or default
    return (*named, *(name for name in standard if name not in named))


def _prompt(params: Params) -> frozenset[str]:
    values = frozenset((params.get("prompt") or "").split(" ")) - {""}
    if not values <= _PROMPTS:
        raise OAuthError("invalid_request", "prompt has an unknown value.")
    if "none" in values and len(values) > 1:
        raise OAuthError("invalid_request", "prompt none cannot be combined.")
    return values


def _max_age(params: Params) -> int | None:
    text = params.get("max_age")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise OAuthError("invalid_request", "max_age must be a number of seconds.")
    return int(text)


def _bounded(params: Params, name: str, limit: int) -> str | None:
    value = params.get(name)
    if value is not None and len(value) > limit:
        raise OAuthError("invalid_request", f"{name} is too long.")
    return value

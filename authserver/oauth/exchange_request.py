"""What a token exchange asks for, and with which tokens: RFC 8693 §2.1, §3."""

from dataclasses import dataclass, field

from authserver.oauth import scope
from authserver.oauth.errors import OAuthError
from authserver.oauth.identity_assertion import TOKEN_TYPE
from authserver.oauth.params import Params

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
JWT = "urn:ietf:params:oauth:token-type:jwt"
TOKEN_TYPES = (ACCESS_TOKEN, ID_TOKEN, JWT)
MAX_TOKEN = 16_384


@dataclass(frozen=True, slots=True)
class ExchangeRequest:
    """What a client asks for, and with which tokens; `target.find` says for which target.

    `wants_assertion` is for an identity assertion (ID-JAG) for a server elsewhere.
    """

    subject_token: str = field(repr=False)
    subject_token_type: str
    actor_token: str | None = field(repr=False)
    actor_token_type: str | None
    scope: tuple[str, ...]
    wants_assertion: bool = False


def parse(params: Params) -> ExchangeRequest:
    """Read a request; raises `invalid_request`, or `invalid_scope`."""
    actor_token, actor_token_type = params.get("actor_token"), params.get("actor_token_type")
    if (actor_token is None) != (actor_token_type is None):
        raise _bad("actor_token and actor_token_type belong together.")
    requested = params.get("requested_token_type")
    if requested not in (None, ACCESS_TOKEN, JWT, TOKEN_TYPE):
        raise _bad("The requested_token_type is not supported.")
    subject_token = params.require("subject_token")
    types = {params.require("subject_token_type"), actor_token_type or ACCESS_TOKEN}
    if not types <= set(TOKEN_TYPES):
        raise _bad("This type of subject or actor token is not supported.")
    for token in (subject_token, actor_token or ""):
        if len(token) > MAX_TOKEN or token != token.strip():
            raise _bad("The subject or actor token is not valid.", "too_long_or_spaces")
    return ExchangeRequest(
        subject_token,
        params.require("subject_token_type"),
        actor_token,
        actor_token_type,
        scope.parse(params.get("scope")),
        requested == TOKEN_TYPE,
    )


def _bad(description: str, detail: str = "") -> OAuthError:
    return OAuthError("invalid_request", description, detail=detail)

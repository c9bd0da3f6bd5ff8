"""A refresh token for new tokens: RFC 6749 §6"""

from authserver.settings import OAuth2Upstream, Upstream
from authserver.settings.upstream import TokenFields
from authserver.upstream import client_auth, token_request
from authserver.upstream.errors import UpstreamError
from authserver.upstream.session import Deadline, UpstreamSession
from authserver.upstream.token_request import Tokens

# The token is spent, withdrawn or too old; or the user has to be there. GitHub has its own word.
_ENDED = frozenset(
    {
        "bad_refresh_token",
        "consent_required",
        "interaction_required",
        "invalid_grant",
        "login_required",
    }
)


def request(
    session: UpstreamSession,
    settings: Upstream,
    endpoint: str,
    refresh_token: str,
    scope: tuple[str, ...],
    now: int,
    deadline: Deadline,
) -> Tokens:
    """Send the refresh request once and return what came, nothing of it verified.

    `scope` is what was asked for at sign-in, repeated where the provider wants that. Raises
    UpstreamError, with the reason refresh_refused where the token is good no more, or
    UpstreamUnavailable.
    """
    headers, proof = client_auth.authenticate(settings, endpoint, now)
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, **proof}
    if settings.token_request_scope:
        form["scope"] = " ".join(scope)
    try:
        answer = token_request.redeem(session, endpoint, headers, form, deadline)
    except UpstreamError as error:
        if error.error_code not in _ENDED:
            raise
        refused = UpstreamError("refresh_refused", error.detail, error.error_code)
    else:
        fields = settings.token_fields if isinstance(settings, OAuth2Upstream) else TokenFields()
        return token_request.tokens(answer, fields)
    raise refused

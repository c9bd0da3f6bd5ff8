"""What the provider tells about a user beside the ID token: OpenID Connect Core 1.0 §5.3"""

from collections.abc import Mapping

from authserver.settings import OidcUpstream
from authserver.upstream import identity
from authserver.upstream.discovery import ProviderMetadata
from authserver.upstream.errors import UpstreamError, UpstreamUnavailable
from authserver.upstream.session import Deadline, UpstreamSession
from authserver.upstream.token_request import Tokens


def fetch(
    session: UpstreamSession,
    settings: OidcUpstream,
    provider: ProviderMetadata,
    tokens: Tokens,
    claims: Mapping[str, object],
    deadline: Deadline,
) -> Mapping[str, object]:
    """Return userinfo's claims where they are wanted, or none where that fails.

    `claims` are the verified ID token's. Raises UpstreamError where userinfo is about another user
    (Core §5.3.2).
    """
    if provider.userinfo_endpoint is None or not _is_wanted(settings, claims):
        return {}
    headers = {"Authorization": f"Bearer {tokens.access_token}"}
    try:
        answer = session.get("userinfo", provider.userinfo_endpoint, deadline, headers)
        found = answer.json_object() if answer.status == 200 else None
    except UpstreamUnavailable:
        return {}  # a name is worth no failed sign-in
    if found is not None and found.get("sub") != claims["sub"]:
        raise UpstreamError("userinfo_subject_mismatch", "userinfo is about another user")
    return found or {}


def ask(
    session: UpstreamSession, endpoint: str | None, access_token: str, deadline: Deadline
) -> Mapping[str, object]:
    """Return what userinfo says of an access token.

    Raises UpstreamError where it is no good any more, or there is nobody to ask, and
    UpstreamUnavailable where it is not said: 403 may as well be a limit on requests.
    """
    if endpoint is None:
        raise UpstreamError("userinfo_missing", "there is no userinfo endpoint to ask")
    headers = {"Authorization": f"Bearer {access_token}"}
    answer = session.get("userinfo", endpoint, deadline, headers)
    if answer.status == 401:
        raise UpstreamError("userinfo_refused", "the answer is 401")
    if answer.status != 200:
        raise UpstreamUnavailable(f"userinfo: the answer is {answer.status}")
    return answer.json_object()


def _is_wanted(settings: OidcUpstream, claims: Mapping[str, object]) -> bool:
    is_thin = not identity.has_profile(claims, settings.fields)
    return settings.userinfo == "always" or (settings.userinfo == "when-needed" and is_thin)

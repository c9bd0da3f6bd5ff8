"""How we prove ourselves at the token endpoint: RFC 6749 §2.3.1"""

from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import quote_plus

from authserver.settings import OidcUpstream


def authenticate(settings: OidcUpstream) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return the headers and the form members that authenticate a token request."""
    secret = settings.client_secret or ""
    if settings.client_auth == "client_secret_basic":
        # Both halves are form-encoded first: a colon or a percent sign would change its meaning.
        pair = f"{quote_plus(settings.client_id)}:{quote_plus(secret)}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}, {}
    if settings.client_auth == "client_secret_post":
        return {}, {"client_id": settings.client_id, "client_secret": secret}
    return {}, {"client_id": settings.client_id}

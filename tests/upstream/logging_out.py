"""Logout tokens as the hostile provider would sign them"""

import json
import secrets
from collections.abc import Mapping
from typing import Any

from tests.upstream.hostile_idp import ABSENT, CLIENT_ID, HostileIdp, changed
from tests.upstream.jose import sign

EVENT = "http://schemas.openid.net/event/backchannel-logout"


def logout_token(idp: HostileIdp, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
    """Return an honest token for the provider's user and session, with changes."""
    return sign_token(idp, header or {}, {"sub": idp.subject, "sid": "session-1", **claims})


def sign_token(idp: HostileIdp, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    honest = {
        "iss": idp.issuer,
        "aud": CLIENT_ID,
        "iat": idp.now,
        "exp": idp.now + 120,
        "jti": secrets.token_urlsafe(16),
        "events": {EVENT: {}},
    }
    kid = idp.signing_key.get("kid", ABSENT)
    head = changed({"alg": "ES256", "typ": "logout+jwt", "kid": kid}, header)
    return sign(head, json.dumps(changed(honest, claims)).encode(), idp.signing_key)

"""Users as a provider describes them, to be admitted or not."""

from typing import Any

from authserver.oauth.user import User
from tests.oauth.samples import NOW

UPSTREAM = "https://login.example.com"


def a_user(**changes: Any) -> User:
    facts: dict[str, Any] = {
        "sub": "usr-1",
        "upstream_issuer": UPSTREAM,
        "upstream_subject": "00u1",
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "email_verified": True,
        "claims": {},
        "created_at": NOW,
        "last_login_at": NOW,
        **changes,
    }
    return User(**facts)

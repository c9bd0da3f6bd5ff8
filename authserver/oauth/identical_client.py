"""One client_id for everyone who registers the same public metadata: RFC 7591 §3.2.1, A.4.1"""

import hashlib
import json
from base64 import urlsafe_b64encode
from dataclasses import replace

from authserver.oauth import client as clients
from authserver.oauth import redirect_uri
from authserver.oauth.client import Client

PREFIX = "mcpi-"
_RENEWED_AFTER = 86400  # seconds


def is_public(client: Client) -> bool:
    """Say whether a client has nothing that others must not share: no secret, no keys."""
    return client.token_endpoint_auth_method == "none"


def renewed_after(unused_lifetime: int) -> int:
    """Return for how many seconds a registration that is repeated writes nothing.

    It is renewed well before it would be purged.
    """
    return min(_RENEWED_AFTER, unused_lifetime // 2)


def identified(client: Client, now: int) -> Client:
    """Return a public client as it is stored for all who register it, with their common id.

    Equal is what is equal after validation: in whatever order its lists came, without what is
    ignored here, and with any port at a loopback address, which nobody is bound to.
    """
    uris = {redirect_uri.without_loopback_port(each) for each in client.redirect_uris}
    names = None if client.scope is None else tuple(sorted(set(client.scope)))
    common = replace(client, redirect_uris=tuple(sorted(uris)), scope=names)
    members = {
        name: value
        for name, value in clients.echo(common, ()).items()
        if name not in ("client_id", "client_id_issued_at")
    }
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    digest = urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
    return replace(common, client_id=PREFIX + digest, registered_at=now)

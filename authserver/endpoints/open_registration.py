"""Registrations without a row for each: a shared one, or none before a user agreed: RFC 7591 §3.2.1

Neither kind has a secret or a registration token: whoever sends the same again, or only says the
client_id, is as good as whoever registered first.
"""

from dataclasses import replace

from authserver.app import AuthServer
from authserver.oauth import identical_client, opaque, signed_client
from authserver.oauth.client import Client
from authserver.oauth.errors import OAuthError

_NONCE_LENGTH = 12  # 72 bits


def register(server: AuthServer, parsed: Client, now: int) -> Client | None:
    """Return the client with its id, None where it gets a registration of its own.

    Raises `invalid_client_metadata`.
    """
    policy = server.settings.registration
    if policy.stateless:
        return signed_client.issue(
            server.client_id_keys,
            server.issuer,
            parsed,
            nonce=opaque.random_value()[:_NONCE_LENGTH],
            now=now,
            expires_at=now + policy.unused_lifetime,
        )
    if policy.idempotent and identical_client.is_public(parsed):
        return _shared(server, parsed, now)
    return None


def _shared(server: AuthServer, parsed: Client, now: int) -> Client:
    """Store what nobody registered before; what somebody did is renewed now and then."""
    client = identical_client.identified(parsed, now)
    with server.store.read() as reads:
        found = reads.registration(client.client_id)
    due = now - identical_client.renewed_after(server.settings.registration.unused_lifetime)
    if found is None or found.client.registered_at <= due:
        with server.store.write() as tx:
            found = tx.renew_client(client)
    if found is None or found.blocked:
        raise OAuthError(
            "invalid_client_metadata", "A client that says this of itself is blocked here."
        )
    # It is told what it said: only the port of its loopback address may differ from what is stored.
    issued_at = found.client.registered_at
    return replace(parsed, client_id=client.client_id, registered_at=issued_at)

"""What an operator could look up or end in the database"""

from authserver.oauth import refresh_token
from authserver.oauth.grant import Grant
from tests.actors import McpClient


def grant_of(client: McpClient, token: str) -> Grant:
    """Return the stored grant of a refresh token."""
    presented = refresh_token.parse(token)
    assert presented
    with client.deployment.server.store.read() as reads:
        grant = reads.grant_by_handle(presented.handle)
    assert grant
    return grant


def ended_by(client: McpClient, subject: str) -> None:
    """End all that depends on a subject."""
    with client.deployment.server.store.write() as tx:
        tx.bump_epoch(subject)

"""Whether a signed-in user has to go upstream again, for the tokens that a resource asks for"""

from authserver.app import AuthServer
from authserver.oauth.interaction import PendingAuthorization, Session
from authserver.oauth.resource import Resource
from authserver.oauth.user import User
from authserver.storage.store import Reads
from authserver.vault.held import FRESHNESS, HeldTokens, find

# Providers honour these and leave them out of the scope that they say they granted.
_NEVER_SAID = frozenset({"openid", "offline_access"})


def is_connected(
    server: AuthServer,
    reads: Reads,
    user: User,
    session: Session,
    resource: Resource,
    pending: PendingAuthorization,
    now: int,
) -> bool:
    """Say whether the vault holds what the resource asks for; True where it asks for nothing.

    It does not where the row is missing, damaged, narrower, or of no more use. What the provider
    did not give at the sign-in of this session, it is not asked for again: that would be a loop.
    So it would be for a row that came from the sign-in for this very request.
    """
    if resource.kept_scopes is None:
        return True
    held = find(server, reads, user, resource)
    if held is None:
        return False
    if session.signed_in_for == pending.id:
        return True
    return _is_usable(server, held, now) and _is_wide(held, session, resource)


def _is_wide(held: HeldTokens, session: Session, resource: Resource) -> bool:
    wanted, stored = set(resource.upstream_scopes) - _NEVER_SAID, held.stored
    asked_now = stored.obtained_at >= session.created_at and wanted <= set(stored.requested_scope)
    return asked_now or wanted <= set(stored.scope)


def _is_usable(server: AuthServer, held: HeldTokens, now: int) -> bool:
    client_id = server.settings.upstream.client_id
    return held.is_valid(now, FRESHNESS) or held.can_refresh(client_id)

"""The client credentials grant: a machine that acts for itself: OAuth 2.1 §4.2, RFC 9068 §2.2."""

from authserver.app import AuthServer
from authserver.oauth import epoch, resource, scope
from authserver.oauth.anchor import Anchor
from authserver.oauth.client import Client
from authserver.oauth.edge import Requester
from authserver.oauth.errors import OAuthError
from authserver.oauth.grant import Authorization
from authserver.oauth.params import Params
from authserver.oauth.resource import Resource
from authserver.storage.store import Reads

GRANT_TYPE = "client_credentials"


def prove(
    server: AuthServer, reads: Reads, client: Client, params: Params
) -> tuple[Authorization, Resource]:
    """Return what a client of the configuration may do as itself; nothing is spent.

    It is the subject, and what it gets hangs on it: revoking the client ends it. Raises
    `unauthorized_client`, `invalid_target`, `invalid_scope`.
    """
    requester = _requester(server, client)
    targets = tuple(each for each in server.settings.resources if each.key in requester.targets)
    bound = resource.bind(targets, params.all("resource"))
    subjects = epoch.of_subject(client.client_id, client.client_id)
    authorization = Authorization(
        sub=client.client_id,
        client_id=client.client_id,
        resource=bound.url,
        scope=scope.of_machine(bound.scopes, requester.scopes, scope.parse(params.get("scope"))),
        anchor=Anchor(client_id=client.client_id, epochs=reads.epoch_sum(subjects)),
        auth_time=None,
    )
    return authorization, bound


def _requester(server: AuthServer, client: Client) -> Requester:
    if not any(GRANT_TYPE in each.grant_types for each in server.settings.clients.values()):
        raise OAuthError("unsupported_grant_type", "This grant_type is not supported.")
    found = server.settings.requesters.get(client.client_id)
    if (
        found is None
        or client.token_endpoint_auth_method == "none"
        or GRANT_TYPE not in client.grant_types
    ):
        raise OAuthError("unauthorized_client", "The client may not use this grant_type.")
    return found

"""POST /token with an assertion: of a client for its user, or a workload's own: RFC 7523 §2.1."""

from dataclasses import replace

from authserver.app import AuthServer
from authserver.endpoints import (
    access_tokens,
    identity_assertion,
    proof_of_possession,
    status_list,
)
from authserver.endpoints.client_authentication import slowed_down
from authserver.grants import jwt_bearer
from authserver.message import Request
from authserver.oauth import binding, scope
from authserver.oauth.dpop import Possession
from authserver.oauth.errors import OAuthError
from authserver.oauth.identity_assertion import is_identity_assertion
from authserver.oauth.workload import GRANT_TYPE


def issue(server: AuthServer, possession: Possession | None, request: Request) -> dict[str, object]:
    """Return a token for what an assertion says: a client's for its user, or a workload's own.

    What a client brings is an identity assertion, and what says that it is one needs a client;
    each is refused where the other is missing.
    """
    has_client = _names_client(request)
    if server.settings.takes_identity_assertions and (
        has_client
        or not server.settings.workloads
        or is_identity_assertion(request.params.get("assertion"))
    ):
        return identity_assertion.issue(server, possession, request)
    if has_client:
        raise OAuthError("invalid_request", "A workload is no client: its assertion is all.")
    return _of_workload(server, possession, request)


def _names_client(request: Request) -> bool:
    named = ("client_id", "client_secret", "client_assertion")
    return request.header("authorization") is not None or any(
        each in request.params for each in named
    )


def _of_workload(
    server: AuthServer, possession: Possession | None, request: Request
) -> dict[str, object]:
    """Return a token that lives no longer than the assertion, and nothing to renew it."""
    now = request.now
    with slowed_down(server, "a workload", request):
        proof = jwt_bearer.prove(server, request.params, now)
    resource = proof.resource
    required = resource.dpop_bound_access_tokens_required
    jkt = binding.bind(possession, bound_to=None, required=required)
    authorization = replace(proof.authorization, jkt=jkt)
    proof_of_possession.spend_alone(server, possession)
    lifetime = min(resource.access_token_lifetime, proof.expires_at - now)
    status = status_list.of_subject(server, resource, authorization.anchor, authorization.sub, now)
    token = access_tokens.mint(server, authorization, {}, lifetime=lifetime, status=status, now=now)
    server.audit.emit(
        "token.issued",
        now=now,
        request_id=request.id,
        grant_type=GRANT_TYPE,
        client_id=authorization.client_id,
        sub=authorization.sub,
        issuer=proof.workload.issuer,
        resource=authorization.resource,
        scope=scope.join(authorization.scope),
        bound=authorization.jkt is not None,
    )
    return access_tokens.answer(token, authorization, lifetime)

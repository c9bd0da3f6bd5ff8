"""POST /token with an identity assertion: Enterprise-Managed Authorization §5, RFC 7523 §2.1."""

from dataclasses import replace

from authserver.app import AuthServer
from authserver.endpoints import access_tokens, proof_of_possession, status_list
from authserver.endpoints.client_authentication import authenticate, slowed_down
from authserver.grants import identity_assertion
from authserver.message import Request
from authserver.oauth import binding, claim, scope
from authserver.oauth.client import Client
from authserver.oauth.dpop import Possession
from authserver.oauth.identity_assertion import GRANT_TYPE, refused, sign_in


def issue(server: AuthServer, possession: Possession | None, request: Request) -> dict[str, object]:
    """Return a token for the user whom a trusted issuer asserts, and nothing to renew it.

    The assertion is good once: a new token takes a new one, so that the issuer is asked again.
    """
    # A client that publishes itself need never have been here: its users signed in elsewhere.
    client = authenticate(server, request, ask="anybody")
    proof_of_possession.check_client(client, possession)
    with slowed_down(server, client.client_id, request):
        return _issue(server, client, possession, request)


def _issue(
    server: AuthServer, client: Client, possession: Possession | None, request: Request
) -> dict[str, object]:
    now = request.now
    proof = identity_assertion.prove(server, client, request.params, now)
    resource, assertion = proof.resource, proof.assertion
    if assertion.jkt is not None and possession is None:
        raise refused("bound_but_unproven")
    required = resource.dpop_bound_access_tokens_required
    jkt = binding.bind(possession, bound_to=assertion.jkt, required=required)
    authorization = replace(proof.authorization, jkt=jkt)
    server.keys.signing_alg(now)  # raises here, where a server that cannot sign spends nothing
    with server.store.write() as tx:
        proof_of_possession.spend(tx, possession)
        if not tx.spend_assertion(assertion.digest, assertion.expires_at):
            raise refused("replayed")
    user_claims, omitted = claim.for_token(proof.user, resource.claims)
    status = status_list.of_subject(server, resource, authorization.anchor, authorization.sub, now)
    lifetime = resource.access_token_lifetime
    told = {**user_claims, **sign_in(assertion.claims)}
    token = access_tokens.mint(
        server, authorization, told, lifetime=lifetime, status=status, now=now
    )
    server.audit.emit(
        "token.issued",
        now=now,
        request_id=request.id,
        grant_type=GRANT_TYPE,
        client_id=client.client_id,
        sub=authorization.sub,
        issuer=proof.issuer,
        resource=authorization.resource,
        scope=scope.join(authorization.scope),
        bound=authorization.jkt is not None,
        claims_omitted=" ".join(omitted),
    )
    return access_tokens.answer(token, authorization, lifetime)

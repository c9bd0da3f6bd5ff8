"""POST /token with an identity assertion: Enterprise-Managed Authorization §5, RFC 7523 §2.1."""

from dataclasses import replace

from authserver.app import AuthServer
from authserver.endpoints import access_tokens, proof_of_possession, status_list
from authserver.endpoints.client_authentication import authenticate, slowed_down
from authserver.grants import identity_assertion
from authserver.grants.identity_assertion import Proof
from authserver.message import Request
from authserver.oauth import binding, claim, client_auth, scope
from authserver.oauth.client import Client
from authserver.oauth.dpop import Possession
from authserver.oauth.errors import OAuthError
from authserver.oauth.grant import Authorization
from authserver.oauth.identity_assertion import GRANT_TYPE, refused, sign_in
from authserver.oauth.user import User


def issue(server: AuthServer, possession: Possession | None, request: Request) -> dict[str, object]:
    """Return a token for the user whom a trusted issuer asserts, and nothing to renew it.

    The assertion is good once: a new token takes a new one, so that the issuer is asked again.
    """
    _check_proves_itself(request)
    # A client that publishes itself need never have been here: its users signed in elsewhere.
    client = authenticate(server, request, ask="anybody")
    proof_of_possession.check_client(client, possession)
    try:
        return _issue(server, client, possession, request)
    except OAuthError as error:
        _note_refusal(server, client, request, error)
        raise


def _check_proves_itself(request: Request) -> None:
    """Refuse a public client before its document is fetched for nothing."""
    credentials = client_auth.parse(request.header("authorization"), request.params)
    if credentials.method == "none":
        raise OAuthError("unauthorized_client", "The client may not use this grant_type.")


def _issue(
    server: AuthServer, client: Client, possession: Possession | None, request: Request
) -> dict[str, object]:
    """Prove, ask the policy, bind, spend, mint; in this order."""
    with slowed_down(server, client.client_id, request):
        proof = identity_assertion.prove(server, client, request.params, request.now)
    required = proof.resource.dpop_bound_access_tokens_required
    jkt = binding.bind(possession, bound_to=proof.assertion.jkt, required=required)
    if proof.is_denied:  # a signed word is no guess: who brings many of them is not slowed down
        with server.store.write() as tx:
            identity_assertion.note_denial(tx, proof, request.now)
        raise refused("policy_denied")
    server.keys.signing_alg(request.now)  # raises here: who cannot sign spends nothing
    with slowed_down(server, client.client_id, request):
        user, sub = _spend(server, proof, possession, request.now)
    authorization = replace(proof.authorization, jkt=jkt, sub=sub)
    return _mint(server, proof, authorization, user, request)


def _spend(
    server: AuthServer, proof: Proof, possession: Possession | None, now: int
) -> tuple[User | None, str]:
    """Take the assertion, once, and what it says of its user, who is looked at anew before."""
    assertion = proof.assertion
    with server.store.write() as tx:
        proof_of_possession.spend(tx, possession)
        user = identity_assertion.recheck(tx, proof, now)
        if not tx.spend_assertion(assertion.digest, assertion.expires_at):
            raise refused("replayed")
        return user, identity_assertion.keep_news(tx, proof, user)


def _mint(
    server: AuthServer,
    proof: Proof,
    authorization: Authorization,
    user: User | None,
    request: Request,
) -> dict[str, object]:
    now, resource = request.now, proof.resource
    user_claims, omitted = claim.for_token(user, resource.claims)
    told = sign_in(proof.assertion.claims) if proof.account.signs_in_there else {}
    status = status_list.of_subject(server, resource, authorization.anchor, authorization.sub, now)
    lifetime = resource.access_token_lifetime
    token = access_tokens.mint(
        server, authorization, {**user_claims, **told}, lifetime=lifetime, status=status, now=now
    )
    server.audit.emit(
        "token.issued",
        now=now,
        request_id=request.id,
        grant_type=GRANT_TYPE,
        client_id=authorization.client_id,
        sub=authorization.sub,
        issuer=proof.issuer,
        assertion=proof.assertion.digest,
        resource=authorization.resource,
        scope=scope.join(authorization.scope),
        bound=authorization.jkt is not None,
        claims_omitted=" ".join(omitted),
    )
    return access_tokens.answer(token, authorization, lifetime)


def _note_refusal(server: AuthServer, client: Client, request: Request, error: OAuthError) -> None:
    server.audit.emit(
        "assertion.refused",
        now=request.now,
        request_id=request.id,
        client_id=client.client_id,
        error=error.code,
        reason=error.detail or error.description,
    )

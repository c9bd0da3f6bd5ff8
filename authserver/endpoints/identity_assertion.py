"""POST /token with an identity assertion: Enterprise-Managed Authorization §5, RFC 7523 §2.1."""

from dataclasses import replace

from authserver.app import AuthServer
from authserver.endpoints import access_tokens, proof_of_possession, status_list
from authserver.endpoints.client_authentication import authenticate, slowed_down
from authserver.grants import identity_assertion
from authserver.grants.identity_assertion import Account
from authserver.message import Request
from authserver.oauth import binding, claim, client_auth, scope
from authserver.oauth.client import Client
from authserver.oauth.dpop import Possession
from authserver.oauth.errors import OAuthError
from authserver.oauth.grant import Authorization
from authserver.oauth.identity_assertion import GRANT_TYPE, refused, sign_in
from authserver.storage.store import Transaction


def issue(server: AuthServer, possession: Possession | None, request: Request) -> dict[str, object]:
    """Return a token for the user whom a trusted issuer asserts, and nothing to renew it.

    The assertion is good once: a new token takes a new one, so that the issuer is asked again.
    """
    # A client that publishes itself need never have been here: its users signed in elsewhere.
    _check_proves_itself(request)
    client = authenticate(server, request, ask="anybody")
    proof_of_possession.check_client(client, possession)
    with slowed_down(server, client.client_id, request):
        try:
            return _issue(server, client, possession, request)
        except OAuthError as error:
            _note_refusal(server, client, request, error)
            raise


def _note_refusal(server: AuthServer, client: Client, request: Request, error: OAuthError) -> None:
    server.audit.emit(
        "assertion.refused",
        now=request.now,
        request_id=request.id,
        client_id=client.client_id,
        error=error.code,
        reason=error.detail or error.description,
    )


def _check_proves_itself(request: Request) -> None:
    """Refuse a public client before its document is fetched for nothing."""
    credentials = client_auth.parse(request.header("authorization"), request.params)
    if credentials.method == "none":
        raise OAuthError("unauthorized_client", "The client may not use this grant_type.")


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
        authorization = _take_news(tx, proof.account, authorization, now)
    user_claims, omitted = claim.for_token(proof.account.user, resource.claims)
    status = status_list.of_subject(server, resource, authorization.anchor, authorization.sub, now)
    lifetime = resource.access_token_lifetime
    told = user_claims if proof.account.is_mapped else {**user_claims, **sign_in(assertion.claims)}
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
        assertion=assertion.digest,
        resource=authorization.resource,
        scope=scope.join(authorization.scope),
        bound=authorization.jkt is not None,
        claims_omitted=" ".join(omitted),
    )
    return access_tokens.answer(token, authorization, lifetime)


def _take_news(
    tx: Transaction, account: Account, authorization: Authorization, now: int
) -> Authorization:
    """Store what the upstream said of its user, who may be stored since by another request."""
    if account.user is None or not account.is_news:
        return authorization
    stored = tx.save_user(
        account.user.upstream_issuer,
        account.user.upstream_subject,
        name=account.user.name,
        email=account.user.email,
        email_verified=account.user.email_verified,
        claims=account.user.claims,
        now=now,
        new_sub=account.sub,
    )
    return replace(authorization, sub=stored.sub)

"""The JWT bearer grant with an identity assertion (ID-JAG), brought by a client: RFC 7523 §2.1."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from authserver.app import AuthServer
from authserver.grants import asserted_account, described_user, foreign_subject
from authserver.grants.asserted_account import Account
from authserver.oauth import act, epoch, identity_assertion, policy, scope
from authserver.oauth.anchor import Anchor
from authserver.oauth.client import Client, check_limits
from authserver.oauth.errors import OAuthError
from authserver.oauth.grant import Authorization
from authserver.oauth.identity_assertion import GRANT_TYPE, MAX_LENGTH, IdentityAssertion, refused
from authserver.oauth.params import Params
from authserver.oauth.resource import Resource
from authserver.oauth.user import User
from authserver.storage.store import Transaction
from authserver.upstream.errors import UpstreamError, UpstreamUnavailable
from authserver.upstream.subject_token import SubjectTokens


@dataclass(frozen=True, slots=True)
class Proof:
    """What an assertion proves; it is spent by its digest. `issuer` is who made it.

    `account` is whom it is about here, and `names` the scopes that it is worth, of which the rules
    leave those of the `authorization`; none at all where `is_denied`.
    """

    authorization: Authorization
    resource: Resource
    assertion: IdentityAssertion
    account: Account
    names: tuple[str, ...]
    is_denied: bool
    issuer: str


def prove(server: AuthServer, client: Client, params: Params, now: int) -> Proof:
    """Return what a client may do for the user of an assertion; nothing is spent or stored yet.

    Raises `unauthorized_client`, `invalid_grant`, `invalid_target`, `invalid_scope`,
    `temporarily_unavailable`.
    """
    _check_client(client)
    tokens, claims = _verified(server, params.require("assertion"))
    assertion = identity_assertion.check(
        claims, issuer=server.issuer, client_id=client.client_id, now=now
    )
    bound = identity_assertion.bind(
        assertion,
        params,
        server.settings.resources,
        server.settings.tokens.identity_assertion_unknown_resource,
    )
    names = identity_assertion.scope_of(
        assertion, scope.parse(params.get("scope")), bound, client.scope
    )
    account = asserted_account.find(server, tokens, assertion, now)
    held = _allowed(bound, account, account.user, assertion, names)
    check_limits(client, bound, held or ())
    with server.store.read() as reads:
        epochs = reads.epoch_sum(epoch.of_subject(account.sub, client.client_id))
    authorization = Authorization(
        sub=account.sub,
        client_id=client.client_id,
        resource=bound.url,
        scope=held or (),
        anchor=Anchor(client_id=client.client_id, epochs=epochs),
        auth_time=_signed_in_at(claims, now),
        actors=act.read_foreign(claims, server.issuer, refused),
        jkt=assertion.jkt,
    )
    issuer = str(claims["iss"])
    return Proof(authorization, bound, assertion, account, names, held is None, issuer)


def recheck(tx: Transaction, proof: Proof, now: int) -> User | None:
    """Return the user as they are in this very transaction, before anything is spent in it.

    Raises `invalid_grant` where they were logged out or revoked since the assertion was made or
    looked at, `temporarily_unavailable` where the rules say something else by now.
    """
    account, authorization = proof.account, proof.authorization
    subjects = epoch.of_subject(account.sub, authorization.client_id)
    if tx.epoch_sum(subjects) != authorization.anchor.epochs:
        raise refused("revoked")
    if account.description is None:
        user = None if account.user is None else tx.user(account.sub)
    elif described_user.is_logged_out(tx, account.description):
        raise refused("logged_out")
    else:
        told = account.description.identity
        known = tx.locked_user_of(told.issuer, told.subject)
        user = account.description.applied(known, now)
    held = _allowed(proof.resource, account, user, proof.assertion, proof.names)
    if held != authorization.scope:
        raise OAuthError(
            "temporarily_unavailable",
            "The user changed meanwhile; try again.",
            detail="id_jag_user_changed",
            headers=(("Retry-After", "1"),),
        )
    return user


def keep_news(tx: Transaction, proof: Proof, user: User | None) -> str:
    """Store what the upstream said of its user, and return their `sub`."""
    description = proof.account.description
    if user is None or description is None:
        return proof.account.sub
    if user.sub == description.new_sub:
        return tx.add_user(user).sub
    if not description.is_lean:
        tx.describe_user(user)
    return user.sub


def note_denial(tx: Transaction, proof: Proof, now: int) -> None:
    """Store what the upstream said of a known user, once: it may take rights away elsewhere too."""
    description = proof.account.description
    if description is None or described_user.is_logged_out(tx, description):
        return
    known = tx.locked_user_of(description.identity.issuer, description.identity.subject)
    user = None if known is None else description.applied(known, now)
    if user is None or user == known:
        return
    if tx.spend_assertion(proof.assertion.digest, proof.assertion.expires_at):
        tx.describe_user(user)


def _allowed(
    resource: Resource,
    account: Account,
    user: User | None,
    assertion: IdentityAssertion,
    names: tuple[str, ...],
) -> tuple[str, ...] | None:
    """Return the scopes that the rules leave a user who signed in as the assertion says."""
    if user is not None:
        told = identity_assertion.sign_in(assertion.claims) if account.signs_in_there else {}
        kept = {name: each for name, each in user.claims.items() if name not in ("acr", "amr")}
        user = replace(user, claims={**kept, **told})
    return policy.allowed(resource, user, names)


def _check_client(client: Client) -> None:
    if client.token_endpoint_auth_method == "none" or GRANT_TYPE not in client.grant_types:
        raise OAuthError("unauthorized_client", "The client may not use this grant_type.")


def _verified(
    server: AuthServer, assertion: str
) -> tuple[SubjectTokens | None, Mapping[str, object]]:
    """Return the signed claims of an issuer that is trusted for this, and the upstream where it is.

    Never our own: whoever exchanged a token for one has had it from us.
    """
    issuer = foreign_subject.claimed_issuer(assertion) if len(assertion) <= MAX_LENGTH else ""
    tokens, client = server.upstream.subject_tokens, server.trusted_issuers.get(issuer)
    try:
        if issuer == server.issuer:
            raise refused("self_issued")
        if tokens is not None and tokens.is_issuer(issuer) and tokens.settings.identity_assertions:
            return tokens, tokens.identity_assertion(assertion)
        if client is not None and client.settings.identity_assertions:
            return None, client.identity_assertion(assertion)
    except UpstreamError as error:
        refusal = refused(error.reason.replace("id_token", "foreign"))
    except UpstreamUnavailable as error:
        refusal = OAuthError(
            "temporarily_unavailable",
            "The assertion's issuer cannot be asked now; try again.",
            detail=f"issuer_unavailable: {error.detail}",
            headers=(("Retry-After", "5"),),
        )
    else:
        refusal = refused("of_no_trusted_issuer")
    raise refusal


def _signed_in_at(claims: Mapping[str, object], now: int) -> int | None:
    said = claims.get("auth_time")
    return said if type(said) is int and 0 <= said <= now + identity_assertion.LEEWAY else None

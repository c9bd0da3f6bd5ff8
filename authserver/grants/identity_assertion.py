"""The JWT bearer grant with an identity assertion (ID-JAG), brought by a client: RFC 7523 §2.1."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from authserver.app import AuthServer
from authserver.grants import foreign_subject
from authserver.oauth import act, epoch, identity_assertion, policy, scope
from authserver.oauth.act import Party
from authserver.oauth.anchor import Anchor
from authserver.oauth.client import Client, check_limits
from authserver.oauth.errors import OAuthError
from authserver.oauth.grant import Authorization
from authserver.oauth.identity_assertion import GRANT_TYPE, MAX_LENGTH, IdentityAssertion, refused
from authserver.oauth.params import Params
from authserver.oauth.resource import Resource
from authserver.oauth.user import User
from authserver.upstream import foreign_token
from authserver.upstream.errors import UpstreamError, UpstreamUnavailable
from authserver.upstream.foreign_token import ForeignToken
from authserver.upstream.subject_token import SubjectTokens


@dataclass(frozen=True, slots=True)
class Proof:
    """What an assertion proves; it is spent by its digest. `issuer` is who made it.

    `account` is whom it is about here.
    """

    authorization: Authorization
    resource: Resource
    assertion: IdentityAssertion
    account: "Account"
    issuer: str


@dataclass(frozen=True, slots=True)
class Account:
    """Whom an assertion is about: by issuer and subject, and never by e-mail.

    A `user` of ours where there is one: as the upstream describes them in it, `is_news` where that
    differs from what is stored; or one whom the file names for another issuer's subject
    (`is_mapped`), who signed in elsewhere than there.
    """

    sub: str
    user: User | None = None
    is_news: bool = False
    is_mapped: bool = False


def prove(server: AuthServer, client: Client, params: Params, now: int) -> Proof:
    """Return what a client may do for the user of an assertion; nothing is spent yet.

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
    account = _account(server, tokens, claims, now)
    held = policy.allowed(bound, account.user, names)
    if held is None:
        raise refused("policy_denied")
    check_limits(client, bound, held)
    with server.store.read() as reads:
        epochs = reads.epoch_sum(epoch.of_subject(account.sub, client.client_id))
    authorization = Authorization(
        sub=account.sub,
        client_id=client.client_id,
        resource=bound.url,
        scope=held,
        anchor=Anchor(client_id=client.client_id, epochs=epochs),
        auth_time=_signed_in_at(claims, now),
        actors=_actors(claims, server.issuer),
        jkt=assertion.jkt,
    )
    return Proof(authorization, bound, assertion, account, str(claims["iss"]))


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


def _account(
    server: AuthServer, tokens: SubjectTokens | None, claims: Mapping[str, object], now: int
) -> Account:
    """Return whom the assertion is about: of the upstream's `tokens`, a user of ours."""
    try:
        if tokens is not None:
            found = foreign_token.read(claims, now, tokens.settings.subject_claim)
            told = replace(found, claims=identity_assertion.about_user(claims))
            user, is_news = foreign_subject.described(server, tokens, told, now)
            return Account(user.sub, user, is_news=is_news)
        found = foreign_token.read(claims, now)
    except UpstreamError as error:
        refusal = refused(error.reason)
    else:
        return _of_trusted_issuer(server, found)
    raise refusal


def _of_trusted_issuer(server: AuthServer, found: ForeignToken) -> Account:
    mapped = server.trusted_issuers[found.issuer].settings.users.get(found.subject)
    if mapped is None:
        return Account(foreign_subject.subject_of(found))
    with server.store.read() as reads:
        user = reads.user(mapped)
    if user is None:
        raise refused("no_user")
    return Account(user.sub, user, is_mapped=True)


def _actors(claims: Mapping[str, object], ours: str) -> tuple[Party, ...]:
    """Return who acts: nobody whom the issuer cannot know, for each server trusts the newest."""
    try:
        actors = act.read(claims.get("act"), str(claims["iss"]))
        act.claim(actors)  # raises here, where a chain that is too long spends nothing
    except OAuthError as error:
        refusal = refused(error.detail)
    else:
        if actors and (actors[0].iss != claims["iss"] or any(each.iss == ours for each in actors)):
            raise refused("act_of_another_issuer")
        return actors
    raise refusal


def _signed_in_at(claims: Mapping[str, object], now: int) -> int | None:
    said = claims.get("auth_time")
    return said if type(said) is int and 0 <= said <= now + identity_assertion.LEEWAY else None

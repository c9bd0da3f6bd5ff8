"""The JWT bearer grant: a workload brings its platform's token, and no client: RFC 7523 §2.1."""

from dataclasses import dataclass

from authserver.app import AuthServer
from authserver.grants import foreign_subject
from authserver.oauth import epoch, resource, scope, workload
from authserver.oauth.anchor import Anchor
from authserver.oauth.errors import OAuthError
from authserver.oauth.grant import Authorization
from authserver.oauth.params import Params
from authserver.oauth.resource import Resource
from authserver.oauth.workload import Workload
from authserver.upstream.errors import UpstreamError, UpstreamUnavailable
from authserver.upstream.foreign_token import ForeignToken


@dataclass(frozen=True, slots=True)
class Proof:
    """What an assertion proves, and when that ends."""

    authorization: Authorization
    resource: Resource
    workload: Workload
    expires_at: int


def prove(server: AuthServer, params: Params, now: int) -> Proof:
    """Return what a workload may do; nothing is spent, for its token is good until it expires.

    Raises `invalid_grant`, `invalid_target`, `invalid_scope`, `temporarily_unavailable`.
    """
    found, issuer = _verified(server, params.require("assertion"), now)
    admitted = workload.find(server.settings.workloads, issuer, found.claims)
    named = frozenset().union(*(each.targets for each in admitted))
    targets = tuple(each for each in server.settings.resources if each.key in named)
    bound = resource.bind(targets, params.all("resource"))
    first, *others = [each for each in admitted if bound.key in each.targets]
    most = first.scopes.union(*(each.scopes for each in others))
    sub = foreign_subject.subject_of(found)
    with server.store.read() as reads:
        epochs = reads.epoch_sum(epoch.of_subject(sub, first.name))
    authorization = Authorization(
        sub=sub,
        client_id=first.name,
        resource=bound.url,
        scope=scope.of_machine(bound.scopes, most, scope.parse(params.get("scope"))),
        anchor=Anchor(client_id=first.name, epochs=epochs),
        auth_time=None,
    )
    return Proof(authorization, bound, first, found.expires_at)


def _verified(server: AuthServer, assertion: str, now: int) -> tuple[ForeignToken, str]:
    """Return what a token of a trusted issuer says, and the issuer's name here."""
    client = server.trusted_issuers.get(foreign_subject.claimed_issuer(assertion))
    if client is None:
        raise workload.refused("of_no_trusted_issuer")
    try:
        return client.verify(assertion, now), client.settings.name
    except UpstreamError as error:
        refusal = workload.refused(error.reason.replace("id_token", "foreign"))
    except UpstreamUnavailable as error:
        refusal = OAuthError(
            "temporarily_unavailable",
            "The assertion's issuer cannot be asked now; try again.",
            detail=f"issuer_unavailable: {error.detail}",
            headers=(("Retry-After", "5"),),
        )
    raise refusal

"""The user's upstream tokens, where an exchange needs them: RFC 8693 §2.2.1, RFC 6749 §5.2."""

from authserver.app import AuthServer
from authserver.grants.token_exchange import Proof
from authserver.message import Request
from authserver.oauth.edge import no_target
from authserver.oauth.errors import OAuthError
from authserver.oauth.resource import Resource
from authserver.upstream.errors import UpstreamUnavailable
from authserver.vault.upstream_token import NoUpstreamToken, UpstreamToken, upstream_token


def source_of(server: AuthServer, proof: Proof) -> Resource:
    """Return the resource whose token a user's client presented; raises `invalid_target`."""
    subject = proof.exchange.subject
    resource = server.settings.resource_named(subject.source)
    if resource is None or proof.user is None:
        raise no_target("source_is_no_resource")
    return resource


def held_token(
    server: AuthServer, proof: Proof, resource: Resource, request: Request
) -> UpstreamToken:
    """Return what is kept for a user of the resource, refreshed where it is due.

    Raises `invalid_grant` where the user has to connect again, `temporarily_unavailable`.
    """
    try:
        return upstream_token(
            server, proof.exchange.subject.sub, resource, request.now, request_id=request.id
        )
    except NoUpstreamToken as error:
        refusal = OAuthError(
            "invalid_grant", "The user has to connect again.", detail=f"upstream_{error.reason}"
        )
    except UpstreamUnavailable as error:
        refusal = OAuthError(
            "temporarily_unavailable",
            "The identity provider cannot be asked now; try again.",
            detail=f"upstream_unavailable: {error.detail}",
            headers=(("Retry-After", "5"),),
        )
    raise refusal

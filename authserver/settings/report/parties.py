"""Who else takes part: clients of the file, workloads, other issuers; as `config check` says it"""

from collections.abc import Iterator

from authserver.oauth.client import Client
from authserver.oauth.client_metadata import DEVICE_CODE
from authserver.oauth.edge import ANYBODY, UPSTREAM, Requester
from authserver.oauth.exchange_request import GRANT_TYPE
from authserver.oauth.identity_assertion import GRANT_TYPE as JWT_BEARER
from authserver.oauth.workload import Workload
from authserver.settings.trusted_issuer import TrustedIssuer
from authserver.settings.upstream import OidcUpstream
from authserver.settings.values import Settings

_MANY = 10  # users of one issuer; more of them are counted


def in_effect(settings: Settings) -> Iterator[tuple[str, str]]:
    """Return each client of the file, each issuer that is trusted, and each workload."""
    for requester in settings.requesters.values():
        client = settings.clients[requester.client_id]
        yield f"client {requester.client_id}", "; ".join(_client(requester, client))
    for issuer in settings.trusted_issuers:
        yield f"trusted issuer {issuer.name}", _issuer(issuer)
    yield from _assertions(settings)
    for workload in settings.workloads:
        yield f"workload {workload.name}", _workload(workload)


def loosened(settings: Settings) -> Iterator[str]:
    """Return who may say more than that somebody signed in here."""
    for key in _asserting(settings):
        yield (
            f"{key}: it says who users are to clients, and what they may have, without a sign-in "
            "or consent here"
        )


def _client(requester: Requester, client: Client) -> Iterator[str]:
    if requester.resource is not None:
        yield f"the server of {requester.resource}"
    else:
        yield from _uses(requester, client)
        yield f"at most {' '.join(client.scope or ()) or 'no scope'}"
    yield _credential(client)
    if client.dpop_bound_access_tokens:
        yield "only tokens bound to its key"
    if client.require_pushed_authorization_requests:
        yield "must push its requests"


def _uses(requester: Requester, client: Client) -> Iterator[str]:
    named, targets = requester.source_clients, ", ".join(sorted(requester.targets))
    if "authorization_code" in client.grant_types:
        yield f"users sign in through it for {targets}"
    if DEVICE_CODE in client.grant_types:
        yield f"a device whose users type a code for {targets}"
    if GRANT_TYPE in client.grant_types:
        whose = "any client" if ANYBODY in named else ", ".join(sorted(named))
        yield f"exchanges tokens of {whose} for {targets}"
    if "client_credentials" in client.grant_types:
        yield f"gets tokens of its own for {targets}"
    if JWT_BEARER in client.grant_types:
        yield f"brings identity assertions for {targets}"


def _credential(client: Client) -> str:
    method = client.token_endpoint_auth_method
    if method == "none":
        return "proves nothing (none)"
    if method != "private_key_jwt":
        count = len(client.secret_digests)
        return f"proves itself with a secret ({method}{f', {count} are good' * (count > 1)})"
    return f"proves itself with a key ({client.jwks_uri or f'{len(client.keys)} in the file'})"


def _issuer(issuer: TrustedIssuer) -> str:
    audiences = ", ".join(issuer.audiences) or "identity assertions alone"
    users = "; ".join(f"{theirs} is {ours}" for theirs, ours in issuer.users.items())
    if len(issuer.users) > _MANY:
        users = f"{len(issuer.users)} of its subjects are users here"
    return f"{issuer.issuer} for {audiences}{'; ' * bool(users)}{users}"


def _workload(workload: Workload) -> str:
    claims = " and ".join(
        f"{path} {', or '.join(sorted(wanted))}" for path, wanted in workload.claims.items()
    )
    targets = ", ".join(sorted(workload.targets))
    scopes = " ".join(sorted(workload.scopes)) or "no scope"
    return f"tokens of {workload.issuer} with {claims}, for {targets}; at most {scopes}"


def _assertions(settings: Settings) -> Iterator[tuple[str, str]]:
    """Return who may say who users are, and what is answered where they name what is not here."""
    keys = _asserting(settings).values()
    if keys:
        unknown = settings.tokens.identity_assertion_unknown_resource
        yield (
            "identity assertions",
            f"{', '.join(keys)} may say who users are; {unknown} for a resource not here",
        )


def _asserting(settings: Settings) -> dict[str, str]:
    """Return who may say who users are, by the key that lets them."""
    upstream = settings.upstream
    is_on = isinstance(upstream, OidcUpstream) and upstream.identity_assertions
    named = {
        f"trusted_issuers.{each.name}.identity_assertions": each.name
        for each in settings.trusted_issuers
        if each.identity_assertions
    }
    return {"upstream.identity_assertions": UPSTREAM, **named} if is_on else named

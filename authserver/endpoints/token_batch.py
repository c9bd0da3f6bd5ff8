"""POST /token-batch: one exchange for several targets, a result for each; ours, beside RFC 8693 §2.

The request is that of the token endpoint, but that each `resource` and `audience` is a target of
its own, and `scope` narrows what each is worth. One that fails takes no other along.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from authserver.adapter import unexpected
from authserver.app import AuthServer
from authserver.endpoints import proof_of_possession
from authserver.endpoints.client_authentication import authenticate
from authserver.endpoints.token_exchange import carry_out
from authserver.grants import token_exchange
from authserver.grants.token_exchange import Presented, Proof
from authserver.message import Endpoint, Request, Response, json_response
from authserver.oauth import exchange_request, scope, target
from authserver.oauth.client import Client
from authserver.oauth.edge import no_target
from authserver.oauth.errors import OAuthError
from authserver.oauth.exchange import too_wide
from authserver.oauth.params import Params, check_no_details

PATH = "/token-batch"
MAX_TARGETS = 32
_AT_ONCE = 8

Result = dict[str, object]


def endpoints(server: AuthServer) -> list[Endpoint]:
    """Return the endpoint where the operator switched it on."""
    if not server.settings.tokens.token_batch:
        return []
    return [Endpoint(PATH, ("POST",), token_batch, body="form")]


def token_batch(server: AuthServer, request: Request) -> Response:
    """Answer a batch: what concerns it as a whole is refused as a whole."""
    possession = proof_of_possession.read(server, request)
    client = authenticate(server, request)
    proof_of_possession.check_client(client, possession)
    params = request.params
    check_no_details(params)
    if params.require("grant_type") != exchange_request.GRANT_TYPE:
        raise OAuthError("unsupported_grant_type", "This grant_type is not supported here.")
    requester = token_exchange.find_requester(server, client)
    asked = exchange_request.parse(params)
    if asked.wants_assertion:
        raise OAuthError("invalid_request", "Identity assertions are asked for one by one.")
    names = _names(params)
    jkt = possession.jkt if possession else None
    presented = token_exchange.verify(server, requester, asked, request.now, jkt)
    proof_of_possession.spend_alone(server, possession)

    def attempt(name: str) -> Result:
        return _attempt(server, client, presented, name, request)

    elsewhere = [name for name in names if _is_elsewhere(server, name)]
    results = {name: attempt(name) for name in names if name not in elsewhere}
    results |= zip(elsewhere, _side_by_side(attempt, elsewhere), strict=True)
    answers = [{"audience": each, **results[each]} for each in names]
    wants = any(each.get("error") == "invalid_dpop_proof" for each in answers)
    nonce = proof_of_possession.next_nonce(server, possession, request.now, wants=wants)
    return json_response({"results": answers}, headers=nonce)


def _names(params: Params) -> tuple[str, ...]:
    names = tuple(dict.fromkeys((*params.all("resource"), *params.all("audience"))))
    if not 1 <= len(names) <= MAX_TARGETS:
        raise OAuthError("invalid_request", "A batch has 1 to 32 targets.")
    return names


def _prove(server: AuthServer, presented: Presented, name: str) -> Proof:
    """Decide about one target; of the scope that the batch asks for, what it is worth there."""
    wanted = target.named(name, server.settings.resources, server.services)
    if wanted is None:
        raise no_target("unknown")
    proof = token_exchange.decide(server, replace(presented, scope=()), wanted)
    if not presented.scope:
        return proof
    requested = scope.keep(presented.scope, proof.exchange.worth)
    if not requested:
        raise too_wide("nothing_of_the_scope_at_this_target")
    return replace(proof, exchange=replace(proof.exchange, requested=requested))


def _is_elsewhere(server: AuthServer, name: str) -> bool:
    found = target.named(name, server.settings.resources, server.services)
    return found is not None and found.resource is None


def _side_by_side(attempt: Callable[[str], Result], names: list[str]) -> list[Result]:
    """Ask other servers at once, so that the slowest alone says how long it takes."""
    if not names:
        return []
    with ThreadPoolExecutor(min(_AT_ONCE, len(names))) as pool:
        return list(pool.map(attempt, names))


def _attempt(
    server: AuthServer, client: Client, presented: Presented, name: str, request: Request
) -> Result:
    """Return the answer for one target, or why there is none: whatever it is, it stays there."""
    try:
        return carry_out(server, client, _prove(server, presented, name), request)
    except OAuthError as error:
        refusal = error
    except Exception as error:  # noqa: BLE001 - the edge of one target, as the adapter's of a request
        refusal = unexpected(error, request.id)
    return _failed(server, client, presented, name, request, refusal)


def _failed(
    server: AuthServer,
    client: Client,
    presented: Presented,
    name: str,
    request: Request,
    error: OAuthError,
) -> Result:
    found = target.named(name, server.settings.resources, server.services)
    server.audit.emit(
        "token.not_exchanged",
        now=request.now,
        request_id=request.id,
        client_id=client.client_id,
        sub=presented.subject.sub,
        source=presented.subject.source,
        target=found.name if found else None,
        error=error.code,
        reason=error.detail or error.description,
    )
    return dict(error.members())

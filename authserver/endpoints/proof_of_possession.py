"""The DPoP header of a request: read, judged, and its proof spent: RFC 9449 §4.3, §8, §9."""

from dataclasses import replace

from authserver.app import AuthServer
from authserver.endpoints.discovery import issuer_path
from authserver.message import Headers, Request
from authserver.oauth import dpop
from authserver.oauth.authorization import AuthorizationRequest
from authserver.oauth.client import Client
from authserver.oauth.dpop import Possession
from authserver.oauth.errors import OAuthError
from authserver.oauth.params import Params
from authserver.storage.store import Transaction


def read(
    server: AuthServer, request: Request, *, access_token: str | None = None
) -> Possession | None:
    """Return the key that a request proves to hold, None where it does not try to.

    Nothing is spent yet. Raises `invalid_dpop_proof`, or `use_dpop_nonce` where the operator wants
    nonces and the proof has none of now.
    """
    proof = request.header("dpop")
    if proof is None or not server.settings.tokens.dpop:
        return None
    # Never from the Host header: the path is the one that was asked for, the rest our own.
    origin = server.issuer.removesuffix(issuer_path(server.issuer))
    possession = dpop.prove(
        proof,
        htm=request.method,
        url=origin + request.path,
        now=request.now,
        access_token=access_token,
    )
    if server.settings.tokens.dpop_nonce:
        _check_nonce(server, possession, request.now)
    return possession


def check_request(server: AuthServer, params: Params) -> None:
    """Raise `invalid_request` for a `dpop_jkt` that this server would not hold to (§10)."""
    if not server.settings.tokens.dpop and "dpop_jkt" in params:
        raise OAuthError("invalid_request", "The parameter dpop_jkt is not supported.")


def check_client(client: Client, possession: Possession | None) -> None:
    """Raise `invalid_dpop_proof` for a client that said it always brings a proof (§5.2)."""
    if client.dpop_bound_access_tokens and possession is None:
        raise dpop.refused("missing")


def bound(checked: AuthorizationRequest, possession: Possession | None) -> AuthorizationRequest:
    """Return a request bound to the key that was proved with it (§10.1)."""
    if possession is None:
        return checked
    if checked.dpop_jkt not in (None, possession.jkt):
        raise OAuthError("invalid_request", "dpop_jkt is not of the key of the DPoP proof.")
    return replace(checked, dpop_jkt=possession.jkt)


def spend(tx: Transaction, possession: Possession | None) -> None:
    """Take a proof, which is good once; raises `invalid_dpop_proof`."""
    if possession and not tx.spend_assertion(possession.digest, possession.expires_at):
        raise dpop.refused("replayed")


def spend_alone(server: AuthServer, possession: Possession | None) -> None:
    """Take a proof where nothing else is written; raises `invalid_dpop_proof`."""
    if possession is not None:
        with server.store.write() as tx:
            spend(tx, possession)


def next_nonce(
    server: AuthServer, possession: Possession | None, now: int, *, wants: bool = False
) -> Headers:
    """Return the header with the next nonce, where the one that was used is not of now (§8.2).

    Without a proof there is one only where the answer says that it `wants` some.
    """
    used = None if possession is None else possession.nonce
    if not server.settings.tokens.dpop_nonce or (possession is None and not wants):
        return ()
    current = server.dpop_nonces.current(now)
    return () if used == current else (("DPoP-Nonce", current),)


def _check_nonce(server: AuthServer, possession: Possession, now: int) -> None:
    if possession.nonce is not None and server.dpop_nonces.knows(possession.nonce, now):
        return
    raise OAuthError(
        "use_dpop_nonce",
        "The DPoP proof must have the nonce of this answer.",
        detail="dpop_nonce_old" if possession.nonce else "dpop_nonce_missing",
        headers=(("DPoP-Nonce", server.dpop_nonces.current(now)),),
    )

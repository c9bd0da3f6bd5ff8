"""The kit takes tokens that are bound to a key with their proof alone: RFC 9449 §7"""

import asyncio
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from wsgiref.simple_server import make_server
from wsgiref.validate import validator

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from authserver.oauth.dpop_nonce import Nonces
from authserver.resource_server import AccessToken, ProofCheck, protect_asgi, protect_wsgi
from authserver.resource_server.credentials import PresentedProof
from authserver.resource_server.mcp_sdk import token_verifier
from authserver.resource_server.possession import SpentProofs
from tests.proving import Holder, stranger
from tests.resource_server.asgi_server import serving
from tests.resource_server.issuer import NOW, RESOURCE
from tests.resource_server.proof_auth import ProofAuth
from tests.resource_server.requests_table import Case, send
from tests.resource_server.test_asgi import Application
from tests.resource_server.test_mcp_sdk import protected as protected_sdk
from tests.resource_server.test_wsgi import Quiet, application

HOLDER = Holder(now=NOW)
BOUND = {"cnf": {"jkt": HOLDER.jkt}}


def admit(guard, scheme, token, *proofs, method="POST", url=RESOURCE) -> Any:
    presented = PresentedProof(proofs, method, url)
    return guard.admit([f"{scheme} {token}"], (), presented)


def refusal(result):
    headers = dict(result.headers)
    error = json.loads(result.body)["error"] if result.body else None
    return result.status, error, headers["WWW-Authenticate"].partition(" ")[0]


@pytest.mark.spec("RFC 9449", "7.1")
def test_a_bound_token_opens_with_a_proof_of_its_key(issuer):
    token = issuer.token(**BOUND)
    admitted = admit(issuer.guard(), "DPoP", token, HOLDER.proof(htu=RESOURCE, token=token))
    assert isinstance(admitted, AccessToken)
    assert (admitted.subject, admitted.jkt) == ("user-1", HOLDER.jkt)


@pytest.mark.spec("RFC 9449", "7.1")
def test_everything_else_is_refused_in_the_scheme_that_was_used(issuer):
    guard, token, plain = issuer.guard(), issuer.token(**BOUND), issuer.token()
    other = issuer.token(cnf={"x5t#S256": "x"})

    def proof(said=token, holder=HOLDER, **changes):
        return holder.proof(htu=changes.pop("htu", RESOURCE), token=said, **changes)

    used = proof()
    assert isinstance(admit(guard, "dpop", token, used), AccessToken)
    for result, expected in (
        (admit(guard, "Bearer", token), ("invalid_token", "Bearer")),
        (admit(guard, "Bearer", token, proof()), ("invalid_token", "Bearer")),
        (admit(guard, "DPoP", token), ("invalid_dpop_proof", "DPoP")),
        (admit(guard, "DPoP", token, used), ("invalid_dpop_proof", "DPoP")),
        (admit(guard, "DPoP", token, proof(), proof()), ("invalid_dpop_proof", "DPoP")),
        (admit(guard, "DPoP", token, proof(holder=stranger())), ("invalid_token", "DPoP")),
        (admit(guard, "DPoP", token, proof(plain)), ("invalid_dpop_proof", "DPoP")),
        (admit(guard, "DPoP", token, proof(), method="GET"), ("invalid_dpop_proof", "DPoP")),
        (admit(guard, "DPoP", token, proof(htu=f"{RESOURCE}/x")), ("invalid_dpop_proof", "DPoP")),
        (admit(guard, "DPoP", plain, proof(plain)), ("invalid_token", "DPoP")),
        (admit(guard, "DPoP", other, proof(other)), ("invalid_token", "DPoP")),
    ):
        assert refusal(result) == (401, *expected)
    challenge = dict(admit(guard, "DPoP", token).headers)["WWW-Authenticate"]
    assert 'algs="ES256 ' in challenge
    assert "resource_metadata=" in challenge


def test_a_proof_beside_a_token_that_is_none_is_not_spent(issuer):
    guard, token = issuer.guard(), issuer.token(**BOUND)
    expired = issuer.token(**BOUND, exp=NOW - 100)
    proof = HOLDER.proof(htu=RESOURCE, token=token, jti="twice")
    again = HOLDER.proof(htu=RESOURCE, token=expired, jti="twice")
    assert refusal(admit(guard, "DPoP", expired, again))[1] == "invalid_token"
    assert isinstance(admit(guard, "DPoP", token, proof), AccessToken)


@pytest.mark.spec("RFC 9728", "2")
def test_a_server_may_take_bound_tokens_alone_and_says_so(issuer):
    guard = issuer.guard(dpop_required=True)
    assert refusal(guard.admit([])) == (401, None, "DPoP")
    assert refusal(admit(guard, "Bearer", issuer.token())) == (401, "invalid_dpop_proof", "DPoP")
    token = issuer.token(**BOUND)
    proof = HOLDER.proof(htu=RESOURCE, token=token)
    assert isinstance(admit(guard, "DPoP", token, proof), AccessToken)
    document = json.loads(guard.metadata.body)
    assert document["dpop_bound_access_tokens_required"] is True
    assert "ES256" in document["dpop_signing_alg_values_supported"]
    assert "dpop_bound_access_tokens_required" not in json.loads(issuer.guard().metadata.body)


@pytest.mark.spec("RFC 9449", "9")
def test_a_server_may_want_nonces(issuer):
    key = b"n" * 32
    guard, token = issuer.guard(proofs=ProofCheck(nonce_key=key)), issuer.token(**BOUND)
    result = admit(guard, "DPoP", token, HOLDER.proof(htu=RESOURCE, token=token))
    assert refusal(result) == (401, "use_dpop_nonce", "DPoP")
    nonce = dict(result.headers)["DPoP-Nonce"]
    assert Nonces((key,)).knows(nonce, NOW)
    proof = HOLDER.proof(htu=RESOURCE, token=token, nonce=nonce)
    assert isinstance(admit(guard, "DPoP", token, proof), AccessToken)
    with pytest.raises(ValueError, match="32 bytes"):
        ProofCheck(nonce_key=b"short")


def test_of_many_requests_with_one_proof_one_is_let_in(issuer):
    guard, token = issuer.guard(), issuer.token(**BOUND)
    proof = HOLDER.proof(htu=RESOURCE, token=token)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: admit(guard, "DPoP", token, proof), range(16)))
    assert sum(isinstance(each, AccessToken) for each in results) == 1


def test_what_was_spent_may_be_kept_elsewhere(issuer):
    shared: set[str] = set()

    def spend(digest, expires_at, now):
        assert now < expires_at <= now + 700
        before = len(shared)
        shared.add(digest)
        return len(shared) > before

    token = issuer.token(**BOUND)
    proof = HOLDER.proof(htu=RESOURCE, token=token)
    first, second = (issuer.guard(proofs=ProofCheck(spend=spend)) for _ in range(2))
    assert isinstance(admit(first, "DPoP", token, proof), AccessToken)
    assert refusal(admit(second, "DPoP", token, proof))[1] == "invalid_dpop_proof"


def test_spent_proofs_are_forgotten_when_they_have_expired():
    spent = SpentProofs()
    assert spent("a", 100, 0)
    assert not spent("a", 100, 99)
    assert spent("b", 400, 100)
    assert spent("a", 200, 101)


@pytest.mark.parametrize(
    ("prefix", "path", "url"),
    [("", "/mcp", RESOURCE), ("", "/mcp/a b", f"{RESOURCE}/a%20b"), ("/mcp", "", RESOURCE),
     ("/mcp", "/x", f"{RESOURCE}/x")],
)  # fmt: skip
def test_the_url_is_the_one_that_clients_know(issuer, prefix, path, url):
    assert issuer.guard(stripped_prefix=prefix).url_of(path) == url


def headers_of(token, proof):
    return (("Authorization", f"DPoP {token}"), ("DPoP", proof))


def test_a_wsgi_application_sees_a_bearer_token_and_no_proof(issuer):
    seen: dict[str, Any] = {}

    def inner(environ, start_response):
        seen.update(environ)
        return application(environ, start_response)

    app = validator(protect_wsgi(inner, issuer.guard()))
    token = issuer.token(**BOUND)
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        proof = HOLDER.proof("GET", RESOURCE, token=token)
        response, body = send(
            server.server_address[1], Case("", 200, headers=headers_of(token, proof))
        )
        server.shutdown()
    assert (response.status, body) == (200, b"user-1")
    assert seen["HTTP_AUTHORIZATION"] == f"Bearer {token}"
    assert "HTTP_DPOP" not in seen


def test_an_asgi_application_is_let_in_alike(issuer):
    app, token = Application(), issuer.token(**BOUND)
    proof = HOLDER.proof("GET", RESOURCE, token=token)
    guarded = protect_asgi(app, issuer.guard())
    with socket.create_server(("127.0.0.1", 0)) as sock, serving(guarded, sock):
        port = sock.getsockname()[1]
        good, body = send(port, Case("", 200, headers=headers_of(token, proof)))
        bad, _ = send(port, Case("", 401, headers=headers_of(token, proof)))
    assert (good.status, body, bad.status) == (200, b"user-1", 401)
    assert (bad.getheader("WWW-Authenticate") or "").startswith("DPoP ")


@pytest.mark.parametrize("required", [False, True])
def test_a_tool_of_an_sdk_server_sees_a_bound_token_too(issuer, required):
    now = int(time.time())
    holder = Holder(now=now)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        resource = f"http://127.0.0.1:{sock.getsockname()[1]}/mcp"
        guard = issuer.guard(resource, clock=lambda: int(time.time()), dpop_required=required)
        token = issuer.token(now=now, aud=resource, cnf={"jkt": holder.jkt})

        async def ask():
            async with (
                httpx2.AsyncClient(auth=ProofAuth(token, holder)) as http,
                Client(streamable_http_client(resource, http_client=http)) as client,
            ):
                (content,) = (await client.call_tool("whoami", {})).content
                return getattr(content, "text", "")

        with serving(protected_sdk(guard), sock):
            answered = asyncio.run(ask())
    assert answered.startswith(f"user-1 {resource}")
    # Without the gate around it nobody has seen a proof.
    plain = issuer.token(now=now, aud=resource)
    seen = asyncio.run(token_verifier(guard).verify_token(plain))
    assert (seen is None) is required
    assert asyncio.run(token_verifier(guard).verify_token(token)) is None

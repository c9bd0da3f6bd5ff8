"""The next hop of a bound token is bound to the kit's own key: RFC 9449 §5, RFC 8693"""

import asyncio
from typing import Any

import httpx2
import pytest

from authserver.oauth import dpop
from authserver.resource_server import ResourceServer, Verifier
from authserver.resource_server.asgi import protect_asgi
from authserver.resource_server.credentials import PresentedProof
from authserver.resource_server.exchange import TokenExchanger
from authserver.resource_server.exchanged import ExchangedToken
from authserver.resource_server.httpx2_auth import ExchangeAuth
from authserver.resource_server.outgoing import Outgoing, exchange_asgi, exchange_wsgi
from authserver.resource_server.possession import ProofCheck
from authserver.resource_server.proof_key import ProofKey
from tests.actors import RESOURCE, McpClient, claims_of
from tests.exchanging import EXCHANGES, SECRETS, WIKI
from tests.live import deployed
from tests.proving import Holder

NONCES = "[tokens]\ndpop_nonce = true\n"


@pytest.fixture(params=["", NONCES], ids=["plain", "nonces"])
def live(request, sqlite_url, idp, tmp_path):
    for name, secret in {**SECRETS, "old": "o" * 32}.items():
        (tmp_path / f"{name}-secret").write_text(secret)
    more = EXCHANGES.format(more=request.param, source_clients="*")
    with deployed(tmp_path, sqlite_url, idp, more=more) as deployment:
        yield deployment


@pytest.fixture
def incoming(live):
    holder, client = Holder(now=live.clock.now), McpClient(live).register()
    code = client.code_params(client.code())
    nonce = live.server.dpop_nonces.current(live.clock.now)
    proof = holder.header(htu=f"{live.issuer}/token", nonce=nonce)
    token = client.token(code, headers=proof).json["access_token"]
    assert "cnf" in claims_of(token)
    return token


@pytest.fixture
def exchanger(live):
    return TokenExchanger(
        issuer=live.issuer,
        client_id="issues",
        client_secret=SECRETS["issues"],
        clock=live.clock,
    )


def wiki(live, **options):
    verifier = Verifier(live.issuer, WIKI, clock=live.clock)
    return ResourceServer(issuer=live.issuer, resource=WIKI, verifier=verifier, **options)


def judged(guard, headers, method="POST") -> Any:
    """Return what the next server says to these headers."""
    presented = PresentedProof((headers["DPoP"],), method, WIKI)
    return guard.admit([headers["Authorization"]], (), presented)


def test_the_next_server_takes_the_token_with_the_kits_proof(live, exchanger, incoming):
    token = exchanger.token(incoming, audience="wiki")
    assert (token.token_type, token.is_bound) == ("DPoP", True)
    headers = Outgoing(exchanger, "wiki").headers(token, "POST", WIKI)
    guard = wiki(live)
    admitted = judged(guard, headers)
    assert (admitted.resource, admitted.jkt) == (WIKI, claims_of(token.access_token)["cnf"]["jkt"])
    assert judged(guard, headers).status == 401  # each request has a proof of its own
    assert exchanger.token(incoming, audience="wiki") is token


def test_several_are_bound_at_once(exchanger, incoming):
    found = exchanger.tokens(incoming, ["wiki", "nowhere"])
    assert isinstance(found["wiki"], ExchangedToken)
    assert found["wiki"].is_bound
    assert not isinstance(found["nowhere"], ExchangedToken)


def test_a_bearer_token_stays_one_unless_all_are_to_be_bound(live, exchanger):
    plain = McpClient(live).register().connect()["access_token"]
    token = exchanger.token(plain, audience="wiki")
    assert not token.is_bound
    assert exchanger.proof(token, "POST", WIKI) is None
    careful = TokenExchanger(
        issuer=live.issuer, client_id="issues", client_secret=SECRETS["issues"],
        always_bound=True, clock=live.clock,
    )  # fmt: skip
    assert careful.token(plain, audience="wiki").is_bound


def test_a_gateway_passes_on_token_and_proof_where_it_knows_the_url(live, exchanger, incoming):
    seen: dict[str, Any] = {}
    statuses: list[str] = []

    def gateway(environ, start_response):
        seen.update(environ)
        start_response("200 OK", [])
        return []

    def call(outgoing):
        environ = {
            "REQUEST_METHOD": "POST", "HTTP_AUTHORIZATION": f"Bearer {incoming}",
            "HTTP_DPOP": "theirs",
        }  # fmt: skip

        def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
            statuses.append(status)

        exchange_wsgi(gateway, outgoing)(environ, start_response)

    call(Outgoing(exchanger, "wiki"))
    assert (statuses, seen) == (["502 Bad Gateway"], {})
    call(Outgoing(exchanger, "wiki", url=WIKI))
    headers = {"Authorization": seen["HTTP_AUTHORIZATION"], "DPoP": seen["HTTP_DPOP"]}
    assert judged(wiki(live), headers).resource == WIKI


def test_an_asgi_gateway_does_so_too(live, exchanger, incoming):
    seen: dict[str, Any] = {}

    async def gateway(scope, receive, send):
        seen.update(scope)

    async def nothing(*_):
        raise AssertionError("nothing is read or sent")

    headers = [(b"authorization", f"Bearer {incoming}".encode()), (b"dpop", b"theirs")]
    scope = {"type": "http", "method": "GET", "headers": headers}

    async def run():
        app = exchange_asgi(gateway, Outgoing(exchanger, "wiki", url=WIKI))
        await app(scope, nothing, nothing)

    asyncio.run(run())
    sent = {name.decode(): value.decode() for name, value in seen["headers"]}
    assert len(sent) == len(seen["headers"])
    named = {"Authorization": sent["authorization"], "DPoP": sent["dpop"]}
    assert judged(wiki(live), named, "GET").resource == WIKI


@pytest.mark.spec("RFC 9449", "9")
def test_an_httpx2_client_sends_a_proof_for_each_url_and_the_nonce_that_is_asked_for(
    live, exchanger, incoming
):
    async def answer(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"wiki"})

    guard = wiki(live, proofs=ProofCheck(nonce_key=b"w" * 32))
    transport = httpx2.ASGITransport(app=protect_asgi(answer, guard))

    async def ask():
        auth = ExchangeAuth(Outgoing(exchanger, "wiki"), incoming)
        async with httpx2.AsyncClient(transport=transport, auth=auth) as client:
            return [(await client.post(f"{WIKI}{rest}")).status_code for rest in ("", "/x?y=1")]

    assert asyncio.run(ask()) == [200, 200]
    kept = exchanger.token(incoming, audience="wiki")
    assert kept is exchanger.token(incoming, audience="wiki")


def test_a_token_that_its_target_refuses_is_forgotten_though_a_nonce_comes_along(
    exchanger, incoming
):
    said = [(b"dpop-nonce", b"n"), (b"www-authenticate", b'DPoP error="invalid_token"')]

    async def refuse(scope, receive, send):
        await send({"type": "http.response.start", "status": 401, "headers": said})
        await send({"type": "http.response.body", "body": b""})

    async def ask():
        auth = ExchangeAuth(Outgoing(exchanger, "wiki"), incoming)
        transport = httpx2.ASGITransport(app=refuse)
        async with httpx2.AsyncClient(transport=transport, auth=auth) as client:
            return (await client.post(WIKI)).status_code

    kept = exchanger.token(incoming, audience="wiki")
    assert asyncio.run(ask()) == 401
    assert exchanger.token(incoming, audience="wiki") is not kept


def test_every_exchanger_has_a_key_of_its_own():
    first, second = ProofKey(), ProofKey()
    assert first.jkt != second.jkt
    now = 1_800_000_000
    proof = first.proof("GET", f"{RESOURCE}?a=b#c", now, access_token="t", nonce="n")
    found = dpop.prove(proof, htm="GET", url=RESOURCE, now=now, access_token="t")
    assert (found.jkt, found.nonce) == (first.jkt, "n")
    assert dpop.prove(first.proof("GET", RESOURCE, now), htm="GET", url=RESOURCE, now=now)

"""What a thief may try with a bound token at a resource: RFC 9449 §4.3, §7, §11.1"""

import asyncio
import socket
import threading
from typing import Any
from wsgiref.simple_server import make_server

import pytest
from joserfc.jwk import ECKey, RSAKey
from starlette.applications import Starlette
from starlette.routing import Mount

from authserver.resource_server import (
    AccessToken,
    InvalidToken,
    ProofCheck,
    protect_asgi,
    protect_wsgi,
)
from authserver.resource_server.errors import InvalidProof
from authserver.resource_server.possession import SpentProofs
from tests.proving import ABSENT, KEYS, Holder, stranger
from tests.resource_server.asgi_server import serving
from tests.resource_server.issuer import NOW, RESOURCE
from tests.resource_server.requests_table import Case, send
from tests.resource_server.test_asgi import Application
from tests.resource_server.test_dpop import BOUND, HOLDER, admit, headers_of, refusal
from tests.resource_server.test_wsgi import Quiet, application

WRONG: dict[str, dict[str, Any]] = {
    "another method": {"htm": "GET"},
    "the method in lower case": {"htm": "post"},
    "no method": {"htm": ABSENT},
    "another path": {"htu": f"{RESOURCE}/"},
    "another host": {"htu": "https://evil.example/mcp"},
    "another scheme": {"htu": RESOURCE.replace("https", "http")},
    "another port": {"htu": "https://issues.example.com:8443/mcp"},
    "no address": {"htu": ABSENT},
    "no hash of the token": {"ath": ABSENT},
    "the hash of another token": {"ath": "x" * 43},
    "old": {"iat": NOW - 301},
    "of the future": {"iat": NOW + 301},
    "no time": {"iat": ABSENT},
    "no id": {"jti": ABSENT},
    "no type": {"header": {"typ": ABSENT}},
    "the type of an access token": {"header": {"typ": "at+jwt"}},
    "no algorithm": {"header": {"alg": "none"}},
    "a private key": {"header": {"jwk": KEYS["ES256"].as_dict(private=True)}},
    "a key that did not sign": {"header": {"jwk": stranger().jwk}},
    "no key": {"header": {"jwk": ABSENT}},
    "an address of a key": {"header": {"jwk": ABSENT, "jku": "https://evil.example/keys"}},
    "something critical": {"header": {"crit": ["x"], "x": 1}},
}


@pytest.mark.spec("RFC 9449", "4.3")
@pytest.mark.parametrize("name", WRONG)
def test_a_proof_that_is_wrong_opens_nothing(issuer, name):
    guard, token = issuer.guard(), issuer.token(**BOUND)
    said = {"htm": "POST", "htu": RESOURCE, **WRONG[name]}
    proof = HOLDER.proof(token=token, **said)
    assert refusal(admit(guard, "DPoP", token, proof)) == (401, "invalid_dpop_proof", "DPoP")


def test_nor_does_one_of_an_algorithm_or_a_key_that_is_not_taken(issuer):
    guard = issuer.guard()
    with pytest.warns(match="2048"):
        short = RSAKey.generate_key(1024)
    for holder, alg in (
        (Holder("RS256", now=NOW), "RS384"),
        (Holder("RS256", short, now=NOW), "RS256"),
        (Holder("ES256", ECKey.generate_key("secp256k1"), now=NOW), "ES256K"),
    ):
        token = issuer.token(cnf={"jkt": holder.jkt})
        proof = holder.proof(htu=RESOURCE, token=token, header={"alg": alg})
        assert refusal(admit(guard, "DPoP", token, proof))[1] == "invalid_dpop_proof", alg


@pytest.mark.spec("RFC 9449", "6.1")
@pytest.mark.parametrize(
    "cnf",
    [{"jkt": HOLDER.jkt, "x5t#S256": "x"}, {"x5t#S256": HOLDER.jkt}, {"jkt": [HOLDER.jkt]}, {}, ""],
    ids=range(5),
)
def test_a_token_that_is_bound_in_a_way_not_understood_opens_nothing(issuer, cnf):
    guard, token = issuer.guard(), issuer.token(cnf=cnf)
    proof = HOLDER.proof(htu=RESOURCE, token=token)
    assert refusal(admit(guard, "DPoP", token, proof))[1] == "invalid_token"
    assert refusal(admit(guard, "Bearer", token))[1] == "invalid_token"
    for jkt in (None, "", HOLDER.jkt):
        with pytest.raises(InvalidToken):
            guard.verify(token, jkt=jkt)


def test_where_bound_tokens_alone_are_taken_no_other_way_in_takes_more(issuer):
    guard, plain = issuer.guard(dpop_required=True), issuer.token()
    with pytest.raises(InvalidProof):
        guard.verify(plain)
    with pytest.raises(InvalidToken):
        guard.verify(plain, jkt=HOLDER.jkt)
    assert guard.verify(issuer.token(**BOUND), jkt=HOLDER.jkt).jkt == HOLDER.jkt


@pytest.mark.spec("RFC 9449", "9")
def test_a_proof_that_is_missing_or_refused_is_answered_with_the_nonce_too(issuer):
    guard = issuer.guard(proofs=ProofCheck(nonce_key=b"n" * 32), dpop_required=True)
    token = issuer.token(**BOUND)
    for proofs in ((), ("x",)):
        headers = dict(admit(guard, "DPoP", token, *proofs).headers)
        assert headers["DPoP-Nonce"]
    proof = HOLDER.proof(htu=RESOURCE, token=token, nonce=headers["DPoP-Nonce"])
    assert isinstance(admit(guard, "DPoP", token, proof), AccessToken)
    for result in (admit(guard, "DPoP", token, proof), admit(guard, "Bearer", token)):
        assert dict(result.headers)["DPoP-Nonce"] == headers["DPoP-Nonce"]
    result = admit(issuer.guard(), "DPoP", token)
    assert "DPoP-Nonce" not in dict(result.headers)


@pytest.mark.spec("RFC 9449", "11.1")
def test_a_flood_of_proofs_makes_none_good_twice():
    spent = SpentProofs(most=3)
    assert spent("a", 301, 0)
    for number in range(3):
        assert spent(f"flood-{number}", 400 + number, 0)
    assert not spent("a", 301, 0)  # it is forgotten, and may have been taken
    assert not spent("new", 301, 0)
    assert spent("new", 302, 0)
    assert not spent("new", 302, 0)
    assert not spent("flood-2", 402, 0)
    assert spent("later", 900, 500)
    assert not spent("later", 900, 500)


def test_186_a_clock_that_is_set_back_makes_no_proof_good_twice():
    spent = SpentProofs()
    assert spent("a", 301, 0)
    assert spent("b", 701, 400)
    assert not spent("a", 301, 5)
    assert spent("c", 302, 5), "what ends later than all that was forgotten is known to be new"


def test_what_is_kept_longest_does_not_keep_what_has_ended():
    spent = SpentProofs(most=2)
    assert spent("early", 600, 0)
    assert spent("late", 301, 0)
    assert spent("another", 700, 301)  # "late" has ended, though "early" came before it
    assert not spent("early", 600, 301)
    assert spent("new", 350, 301)


@pytest.mark.parametrize("prefix", ["mcp", "/mcp/", "/"])
def test_a_prefix_that_makes_no_url_is_refused(issuer, prefix):
    with pytest.raises(ValueError, match="stripped_prefix"):
        issuer.guard(stripped_prefix=prefix)


# How a server calls the application: the place of each part of the path, and what is stripped.
SERVED = {
    "at the root": ("", "/mcp", ""),
    "mounted": ("/mcp", "", ""),
    "below a mount": ("/mcp", "/x", ""),
    "behind a proxy that strips": ("", "/x", "/mcp"),
}


@pytest.mark.parametrize("name", SERVED)
def test_a_wsgi_application_knows_its_url_wherever_it_is_mounted(issuer, name):
    mount, path, stripped = SERVED[name]
    guard, token = issuer.guard(stripped_prefix=stripped), issuer.token(**BOUND)

    def call(htu: str) -> str:
        seen: list[str] = []

        def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
            seen.append(status)

        environ = {
            "REQUEST_METHOD": "POST", "SCRIPT_NAME": mount, "PATH_INFO": path,
            "QUERY_STRING": "a=b", "HTTP_HOST": "evil.example",
            "HTTP_X_FORWARDED_HOST": "evil.example", "HTTP_AUTHORIZATION": f"DPoP {token}",
            "HTTP_DPOP": HOLDER.proof(htu=htu, token=token),
        }  # fmt: skip
        protect_wsgi(application, guard)(environ, start_response)
        return seen[0][:3]

    url = f"{RESOURCE}{path.removeprefix('/mcp')}"
    assert call(f"{url}?c=d#e") == "200"
    assert call(f"https://evil.example/mcp{path}") == "401"
    assert call(f"{url}/y") == "401"


@pytest.mark.parametrize("is_outside", [True, False], ids=["around the mount", "inside it"])
def test_an_asgi_application_too(issuer, is_outside):
    inner, guard, token = Application(), issuer.guard(), issuer.token(**BOUND)
    if is_outside:
        app: Any = protect_asgi(Starlette(routes=[Mount("/mcp", app=inner)]), guard)
    else:
        app = Starlette(routes=[Mount("/mcp", app=protect_asgi(inner, guard))])
    with socket.create_server(("127.0.0.1", 0)) as sock, serving(app, sock):
        port = sock.getsockname()[1]
        for path, htu, status in (
            ("/mcp/x?a=b", f"{RESOURCE}/x", 200),
            ("/mcp/x", f"{RESOURCE}/x?c=d#e", 200),
            ("/mcp/x", f"{RESOURCE}/y", 401),
            ("/mcp/x", f"http://127.0.0.1:{port}/mcp/x", 401),
        ):
            proof = HOLDER.proof("GET", htu, token=token)
            case = Case("", status, path=path, headers=headers_of(token, proof))
            assert send(port, case)[0].status == status, (path, htu)


@pytest.fixture(params=["asgi", "wsgi"])
def port(request, issuer):
    """Serve an application behind the gate, of either kind."""
    if request.param == "asgi":
        app = protect_asgi(Application(), issuer.guard())
        with socket.create_server(("127.0.0.1", 0)) as sock, serving(app, sock):
            yield sock.getsockname()[1]
        return
    wsgi = protect_wsgi(application, issuer.guard())
    with make_server("127.0.0.1", 0, wsgi, handler_class=Quiet) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.spec("RFC 9449", "4.3")
def test_over_the_wire_one_proof_and_one_scheme_are_taken(issuer, port):
    token, plain = issuer.token(**BOUND), issuer.token()

    def proof(said: str = token, method: str = "GET") -> tuple[str, str]:
        return ("DPoP", HOLDER.proof(method, RESOURCE, token=said))

    def scheme(name: str, said: str = token) -> tuple[str, str]:
        return ("Authorization", f"{name} {said}")

    for headers, status in (
        ((scheme("DPoP"), proof()), 200),
        ((scheme("dpop"), ("dpop", proof()[1])), 200),
        ((scheme("DPoP"), proof(), proof()), 401),
        ((scheme("DPoP"), proof(), ("DPoP", "")), 401),
        ((scheme("DPoP"), proof(method="POST")), 401),
        ((scheme("DPoP"),), 401),
        ((scheme("Bearer"), proof()), 401),
        ((scheme("Bearer"),), 401),
        ((scheme("DPoP", plain), proof(plain)), 401),
        ((scheme("Bearer", plain), proof(plain)), 200),
        ((scheme("DPoP"), scheme("Bearer", plain), proof()), 400),
        ((scheme("Bearer", plain), scheme("DPoP"), proof()), 400),
    ):
        assert send(port, Case("", status, headers=headers))[0].status == status, headers
    head = (scheme("DPoP"), proof(method="HEAD"))
    assert send(port, Case("", 200, "HEAD", headers=head))[0].status == 200


def test_a_websocket_opens_with_the_proof_of_a_get(issuer):
    token, seen = issuer.token(**BOUND), Application()
    app = protect_asgi(seen, issuer.guard())

    async def nothing() -> Any:
        raise AssertionError("nothing is read")

    async def connect(proof: str) -> list[Any]:
        sent: list[Any] = []

        async def send_(message: Any) -> None:
            sent.append(message)

        named = [(b"authorization", f"DPoP {token}".encode()), (b"dpop", proof.encode())]
        scope = {"type": "websocket", "path": "/mcp", "headers": named}
        await app(scope, nothing, send_)
        return sent

    refused = asyncio.run(connect(HOLDER.proof("POST", RESOURCE, token=token)))
    assert (refused, seen.calls) == ([{"type": "websocket.close", "code": 1008}], [])
    asyncio.run(connect(HOLDER.proof("GET", RESOURCE, token=token)))
    assert seen.calls == ["websocket"]

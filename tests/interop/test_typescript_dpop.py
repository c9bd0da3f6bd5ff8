"""The MCP client of the TypeScript SDK with a DPoP session, against us and the kit"""

import json
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

pytest.importorskip("mcp", reason="the official MCP SDK is not installed")

from authserver.resource_server import ProofCheck, ResourceServer, Verifier
from tests.actors import Browser, claims_of
from tests.interop.node import environment, installed, node
from tests.live import Remote, deployed
from tests.resource_server.asgi_server import serving
from tests.resource_server.test_mcp_sdk import protected

SCRIPT = Path(__file__).with_name("dpop_client.mjs")
DEMO = """
[resources.demo]
url = "{url}"
dpop_bound_access_tokens_required = true
scopes = {{ "notes:read" = "Read your notes" }}

[tokens]
dpop_nonce = {nonce}
"""


@pytest.fixture(scope="module")
def script(request):
    folder = installed(request.config.cache.mkdir("interop"))
    return Path(shutil.copy(SCRIPT, folder))  # beside node_modules, where packages are looked for


def guard_of(issuer, resource, nonce):
    return ResourceServer(
        issuer=issuer,
        resource=resource,
        scopes=["notes:read"],
        verifier=Verifier(issuer, resource, clock=lambda: int(time.time())),
        dpop_required=True,
        proofs=ProofCheck(nonce_key=b"n" * 32 if nonce else None),
    )


@pytest.mark.spec("MCP ext-auth", "DPoP")
@pytest.mark.parametrize(("alg", "nonce"), [("ES256", False), ("ES256", True), ("RS256", True)])
def test_the_typescript_client_connects_calls_and_refreshes_with_its_key(
    sqlite_url, idp, tmp_path, script, alg, nonce
):
    with socket.create_server(("127.0.0.1", 0)) as sock:
        mcp_url = f"http://127.0.0.1:{sock.getsockname()[1]}/mcp"
        more = DEMO.format(url=mcp_url, nonce=str(nonce).lower())
        with (
            deployed(tmp_path, sqlite_url, idp, more=more) as live,
            serving(protected(guard_of(live.issuer, mcp_url, nonce)), sock),
        ):
            result = run(script, live, mcp_url, alg)
    assert result["first"]["type"] == result["second"]["type"] == "DPoP"
    assert result["first"]["said"] == result["second"]["said"] != "nobody"
    assert result["renewed"] is True
    assert claims_of(result["token"])["cnf"] == {"jkt": result["first"]["jkt"]}


def run(script, live, mcp_url, alg):
    """Run the client, and be its user's browser."""
    command = [str(node()), str(script), mcp_url, alg]
    with subprocess.Popen(
        command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        opened = process.stdout.readline()
        if not opened:
            raise AssertionError(process.stderr.read())
        browser = Browser(Remote(live.issuer, live.idp))  # type: ignore[arg-type]
        answer = browser.approve(json.loads(opened)["open"])
        out, errors = process.communicate(answer.headers["Location"] + "\n", timeout=60)
    assert process.returncode == 0, errors
    return json.loads(out.splitlines()[-1])

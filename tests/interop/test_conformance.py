"""The MCP conformance suite judges the authorization server"""

import json
import re
import socket
import subprocess

import pytest
import requests

from tests.actors import RESOURCE, Browser, McpClient
from tests.interop.node import environment, installed, node
from tests.live import deployed

# All that the suite asks an authorization server for: a warning or a check left out is a failure.
CHECKS = (
    "authorization-server-metadata",
    "authorization-server-metadata-cimd",
    "authorization-code-grant",
)


@pytest.fixture
def live(sqlite_url, idp, tmp_path):
    """A server whose issuer is its real address, at today's time."""
    with deployed(tmp_path, sqlite_url, idp) as deployment:
        yield deployment


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.mark.spec("MCP 2026-07-28", "Authorization")
def test_the_conformance_suite_finds_nothing_wrong(live, port, request, tmp_path):
    folder = installed(request.config.cache.mkdir("interop"))
    client = McpClient(live, redirect_uri=f"http://127.0.0.1:{port}/callback").register()

    suite = subprocess.Popen(
        _command(folder, live, client, port, tmp_path), cwd=tmp_path, env=environment(),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        said = _approve_when_asked(suite, Browser(live))
        status = suite.wait(60)
    finally:
        suite.kill()
        suite.stdout.close()

    results = [json.loads(path.read_text()) for path in tmp_path.rglob("checks.json")]
    checks = [check for result in results for check in result]
    assert status == 0, said
    assert {check["id"]: check["status"] for check in checks} == dict.fromkeys(CHECKS, "SUCCESS"), (
        said
    )


def _command(folder, live, client, port, results):
    suite = folder / "node_modules/@modelcontextprotocol/conformance/dist/index.js"
    return [
        node(), suite, "authorization", "--url", live.issuer, "--client-id", client.client_id,
        "--resource", RESOURCE, "-p", str(port), "--spec-version", "2026-07-28", "-o", results,
    ]  # fmt: skip


def _approve_when_asked(suite, browser):
    """Be the user: open the URL that the suite prints, approve, and go where that leads."""
    said = []
    for line in suite.stdout:
        said.append(line)
        found = re.search(r"http://\S+/authorize\?\S+", line)
        if found:
            answer = browser.approve(found[0])
            assert answer.status_code == 303, answer.get_data(as_text=True)
            requests.get(answer.headers["Location"], timeout=10)
            break
    return "".join(said + list(suite.stdout))

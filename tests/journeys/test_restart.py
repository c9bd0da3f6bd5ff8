"""The server ends and starts again, as a process: nothing was kept only in its memory"""

import socket
import sys
import time

import pytest

from tests.actors import RESOURCE, Browser, McpClient, claims_of, response_of, write_config
from tests.cli.served import served
from tests.live import Remote


@pytest.fixture
def server(sqlite_url, idp, tmp_path):
    """Return a function that starts `authserver serve`, each time at the same address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    idp.now = int(time.time())
    config = write_config(tmp_path, sqlite_url, idp.issuer, f"http://127.0.0.1:{port}")
    command = [sys.executable, "-m", "authserver", "serve", "--config", config, "--workers", "1"]
    command += ["--bind", f"127.0.0.1:{port}"]
    remote = Remote(f"http://127.0.0.1:{port}", idp)
    return lambda: served(command, port), remote


def test_a_restart_loses_nothing(server, mcp_server):
    start, remote = server
    client, browser, undecided = McpClient(remote), Browser(remote), Browser(remote)
    with start():
        client.register()
        tokens = client.connect(browser)
        code = client.code(browser)
        at_consent = undecided.sign_in(undecided.get(client.authorize_url()), "user-2")
        signing_in = Browser(remote)
        away = signing_in.submit(signing_in.get(client.authorize_url()), decision="continue")
        callback = remote.idp.sign_in(away.headers["Location"], "user-3")
        keys = remote.http().get("/jwks.json").json

    with start(), mcp_server(remote.issuer, RESOURCE, lambda: int(time.time())) as mcp:
        assert remote.http().get("/jwks.json").json == keys
        assert mcp.call(tokens["access_token"]).text == claims_of(tokens["access_token"])["sub"]
        assert client.refresh(tokens["refresh_token"]).status_code == 200
        assert client.redeem(code).status_code == 200
        decided = undecided.submit(at_consent, 1, decision="approve")
        assert client.redeem(response_of(decided)["code"]).status_code == 200
        assert signing_in.come_back(callback).request.path == "/consent"
        assert browser.get(client.authorize_url()).request.path == "/consent"

"""Signing keys change while clients and MCP servers go on"""

import json
from base64 import urlsafe_b64decode
from collections import Counter

import pytest

from authserver.settings import load
from tests.actors import RESOURCE, Clock, Deployment, McpClient, write_config
from tests.served import Late, served

DAY = 86400


class Counting:
    """An application, and how often each path was asked for."""

    def __init__(self, app):
        self.app = app
        self.hits: Counter[str] = Counter()

    def __call__(self, environ, start_response):
        self.hits[environ["PATH_INFO"]] += 1
        return self.app(environ, start_response)


def algorithm(token):
    header = token.partition(".")[0]
    return json.loads(urlsafe_b64decode(header + "=" * (-len(header) % 4)))["alg"]


@pytest.fixture
def restart(sqlite_url, idp, tmp_path):
    """Start, or start again, with another algorithm on the same database and address."""
    counting = Counting(Late())
    with served(counting) as origin:

        def start(signing_alg, clock):
            config = write_config(tmp_path, sqlite_url, idp.issuer, origin)
            text = config.read_text()
            config.write_text(text.replace("[keys]", f'[keys]\nsigning_alg = "{signing_alg}"'))
            deployment = Deployment(load(config), idp, clock)
            counting.app.app = deployment.app
            return deployment, counting.hits

        yield start


@pytest.mark.parametrize("following", ["ES256", "RS256", "EdDSA"])
def test_old_tokens_live_on_and_nobody_is_logged_out(restart, mcp_server, idp, following):
    clock = Clock()
    before, hits = restart("ES256", clock)
    client = McpClient(before).register()
    first = client.connect()
    with (
        mcp_server(before.issuer, RESOURCE, clock) as busy,
        mcp_server(before.issuer, RESOURCE, clock) as idle,
    ):
        assert idle.call(first["access_token"]).status_code == 200
        after, _ = restart(following, clock)
        before.server.store.close()
        client.deployment = after
        starts_at = after.server.keys.rotate(clock.now)
        assert starts_at == clock.now + DAY

        after.wait(DAY - 30)
        old = client.refresh(first["refresh_token"]).json
        assert busy.call(old["access_token"]).status_code == 200
        after.wait(60)
        hits.clear()
        new = client.refresh(old["refresh_token"]).json

        # It read the new key before that signed anything; the other one asks now, once.
        assert busy.call(new["access_token"]).status_code == 200
        assert hits["/jwks.json"] == 0
        assert idle.call(new["access_token"]).status_code == 200
        assert idle.call(old["access_token"]).status_code == 200
        assert busy.call(old["access_token"]).status_code == 200
        assert hits["/jwks.json"] == 1

        after.wait(1000)
        assert idle.call(old["access_token"]).status_code == 401
    after.server.store.close()
    assert (algorithm(old["access_token"]), algorithm(new["access_token"])) == ("ES256", following)

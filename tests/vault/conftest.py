"""A server whose issue tracker asks for upstream tokens, on both databases"""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import pytest

from authserver import vault
from authserver.storage.vault import StoredTokens
from authserver.vault import UpstreamToken
from tests.actors import RESOURCE, Browser, Clock, Deployment, McpClient, claims_of, write_config
from tests.databases import database_url, postgresql_database, postgresql_url  # noqa: F401

SCOPES = '["api:read"]'


def config(folder, database, idp, *, scopes=SCOPES, more=""):
    """Write a configuration whose first resource keeps upstream tokens with these scopes."""
    path = write_config(folder, database, idp.issuer, more=more)
    keeps = f'[resources.issues]\nupstream_token = "exchange"\nupstream_scopes = {scopes}'
    path.write_text(path.read_text().replace("[resources.issues]", keeps))
    return path


@dataclass
class Vault:
    """One user's tokens at one deployment, as its later parts will ask for them."""

    deployment: Deployment
    sub: str = ""

    @property
    def resource(self):
        return self.deployment.server.resource(RESOURCE)

    def connect(self, **changes: Any) -> dict[str, Any]:
        """Let the user connect a client; return the client's tokens."""
        self.client = McpClient(self.deployment).register()
        tokens = self.client.connect(Browser(self.deployment), **changes)
        self.sub = claims_of(tokens["access_token"])["sub"]
        return tokens

    def token(self, **options: Any) -> UpstreamToken:
        server = self.deployment.server
        now = self.deployment.clock.now
        return vault.upstream_token(server, self.sub, self.resource, now, **options)

    def row(self) -> StoredTokens | None:
        with self.deployment.server.store.read() as reads:
            rows = reads.vault_rows("", 10)
            return reads.upstream_tokens(rows[0].digest) if rows else None

    def change(self, **changes: Any) -> StoredTokens:
        """Let a stranger change the row."""
        row = self.row()
        assert row is not None
        changed = replace(row, **changes)
        with self.deployment.server.store.write() as tx:
            tx.keep_upstream_tokens(changed)
        return changed


@pytest.fixture
def start(database_url, idp, tmp_path):  # noqa: F811 - the fixture
    """Start a deployment; those of one test share the database, the clock and the IdP."""
    from authserver.settings import load

    clock = Clock()
    with ExitStack() as stack:

        def start(**options: Any) -> Deployment:
            settings = load(config(tmp_path, database_url, idp, **options))
            return stack.enter_context(Deployment(settings, idp, clock))

        yield start


@pytest.fixture
def kept(start):
    """A deployment at which a user has connected a client."""
    found = Vault(start())
    found.connect()
    return found


@pytest.fixture
def expired(kept):
    kept.deployment.wait(300)
    return kept


def refreshes(idp):
    return [seen for seen in idp.asked("/token") if seen.params["grant_type"] == "refresh_token"]

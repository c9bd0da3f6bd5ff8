"""From one server to another: what the first says of its user, the second takes, once"""

import shutil
import time
from contextlib import ExitStack, contextmanager

import pytest
import requests

from authserver.oauth.exchange_request import ACCESS_TOKEN, GRANT_TYPE
from authserver.oauth.identity_assertion import GRANT_TYPE as JWT_BEARER
from authserver.oauth.identity_assertion import TOKEN_TYPE
from authserver.resource_server import Verifier
from authserver.settings import load
from tests.actors import RESOURCE, Clock, Deployment, McpClient, claims_of, write_config
from tests.asserting import SECRET
from tests.exchanging import basic
from tests.served import Late, served

ACME = """
[resources.issues.client]
client_secrets = ["file:agent-secret"]

[downstream_servers.partner]
issuer = "{partner}"
client_ids = {{ issues = "issues-of-acme" }}
resources = ["https://wiki.example/mcp"]
scopes = ["wiki:read"]

[exchanges.issues-partner]
requester = "issues"
source = "issues"
target = "partner"
scopes = {{ "issues:read" = ["wiki:read"] }}
"""
PARTNER = """
[trusted_issuers.acme]
issuer = "{acme}"
identity_assertions = true

[clients.issues-of-acme]
client_secrets = ["file:agent-secret"]
grant_types = ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
targets = ["wiki"]
scopes = ["wiki:read"]

[resources.wiki.client]
client_secrets = ["file:agent-secret"]
"""
WIKI = "https://wiki.example/mcp"


@pytest.fixture
def companies(migrated_sqlite, idp, tmp_path):
    """Two servers with databases and keys of their own; the partner trusts acme."""
    acme_app, partner_app = Late(), Late()
    now = idp.now = int(time.time())
    with served(acme_app) as acme, served(partner_app) as partner, ExitStack() as stack:
        started = []
        for name, late, issuer, more in (
            ("acme", acme_app, acme, ACME.format(partner=partner)),
            ("partner", partner_app, partner, PARTNER.format(acme=acme)),
        ):
            folder = tmp_path / name
            folder.mkdir()
            (folder / "agent-secret").write_text(SECRET)
            shutil.copy(migrated_sqlite, folder / "authserver.db")
            url = f"sqlite:///{folder / 'authserver.db'}"
            settings = load(write_config(folder, url, idp.issuer, issuer, more))
            deployment = stack.enter_context(Deployment(settings, idp, Clock(now)))
            late.app = deployment.app
            started.append(deployment)
        yield started


@contextmanager
def allowed(answer):
    assert answer.status_code == 200, answer.text
    yield answer.json()


def post(server, by, **params):
    return requests.post(
        f"{server.issuer}/token", data=params, headers=basic(by, SECRET), timeout=20
    )


@pytest.mark.spec("MCP 2026-07-28", "Enterprise-Managed Authorization")
@pytest.mark.spec("RFC 8693", "2.1")
def test_a_user_of_the_one_gets_to_a_resource_of_the_other_without_a_browser(companies):
    acme, partner = companies
    token = McpClient(acme).register().connect(scope="issues:read")["access_token"]
    exchange = {
        "grant_type": GRANT_TYPE, "subject_token": token, "subject_token_type": ACCESS_TOKEN,
        "requested_token_type": TOKEN_TYPE, "audience": partner.issuer, "resource": WIKI,
    }  # fmt: skip
    with allowed(post(acme, "issues", **exchange)) as issued:
        assertion = issued["access_token"]
    bring = {"grant_type": JWT_BEARER, "assertion": assertion}
    with allowed(post(partner, "issues-of-acme", **bring)) as answer:
        assert answer["scope"] == "wiki:read"
        assert "refresh_token" not in answer

    found = Verifier(partner.issuer, WIKI, clock=partner.clock).verify(answer["access_token"])
    user, there = claims_of(token), claims_of(answer["access_token"])
    assert found.client_id == "issues-of-acme"
    assert there["sub"].startswith("ext-")
    assert there["auth_time"] == user["auth_time"]
    assert there["act"] == {"iss": acme.issuer, "sub": "issues"}

    again = post(partner, "issues-of-acme", **bring)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    # It is the partner's to take, and nobody's else: not even that of who made it.
    home = post(acme, "issues", **bring)
    assert home.status_code == 400
    assert user["aud"] == RESOURCE

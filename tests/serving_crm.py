"""An authorization server elsewhere, a CRM's, and a server that exchanges tokens there."""

import json
from typing import Any, Self

from authserver.settings import load
from tests.actors import Clock, Deployment, write_config
from tests.exchanging import SECRETS
from tests.upstream.hostile_idp import HostileIdp
from tests.upstream.spoiled_server import Seen, Spoiled, SpoiledServer

CRM_SECRET = "canary-crm-secret:+%"
TOKEN = {
    "access_token": "canary-crm-token",
    "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
    "token_type": "Bearer",
    "expires_in": 100,
    "scope": "crm.read",
}
MORE = """
{top}
[resources.issues.client]
client_secrets = ["file:issues-secret"]

[external_services.crm]
token_url = "{crm}/token"
client_id = "auth server"
client_secret = "file:crm-secret"
audience = "https://api.crm.example"
resource = "https://api.crm.example/v1"
scopes = ["crm.read", "crm.write"]
request_timeout = 20
{crm_more}

[external_services.slow]
token_url = "{slow}/token"
client_id = "authserver"
client_secret = "file:crm-secret"
scopes = ["crm.read"]
request_timeout = 0.5

[exchanges.issues-crm]
requester = "issues"
source = "issues"
target = "crm"
scopes = {{ "issues:read" = ["crm.read"], "issues:write" = ["crm.write"] }}

[exchanges.issues-slow]
requester = "issues"
source = "issues"
target = "slow"
scopes = {{ "issues:read" = ["crm.read"] }}

[exchanges.issues-wiki]
requester = "issues"
source = "issues"
target = "wiki"
scopes = {{ "issues:read" = ["wiki:read"] }}
"""


class Crm:
    """An authorization server that answers what it is given, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answer: Spoiled | dict[str, Any] = TOKEN
        self.server = SpoiledServer(self._answer)
        self.origin = self.server.origin

    def __enter__(self) -> Self:
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()

    @property
    def asked(self) -> list[Seen]:
        return self.server.seen

    def _answer(self, _: Seen) -> Spoiled:
        if isinstance(self.answer, Spoiled):
            return self.answer
        return Spoiled(200, json.dumps(self.answer).encode())


def start(
    folder: Any,
    database: str,
    idp: HostileIdp,
    crm: Crm,
    *,
    slow: Crm | None = None,
    crm_more: str = "",
    top: str = "",
    write: str = '"Create and close issues"',
) -> Deployment:
    """Start a server whose issue tracker keeps upstream tokens and goes on to the CRM.

    `write` is what stands for the scope `issues:write`.
    """
    (folder / "issues-secret").write_text(SECRETS["issues"])
    (folder / "crm-secret").write_text(CRM_SECRET)
    other = (slow or crm).origin
    more = MORE.format(crm=crm.origin, slow=other, crm_more=crm_more, top=top)
    path = write_config(folder, database, idp.issuer, more=more)
    keeps = '[resources.issues]\nupstream_token = "exchange"'
    written = path.read_text().replace("[resources.issues]", keeps, 1)
    path.write_text(written.replace('"Create and close issues"', write, 1))
    return Deployment(load(path), idp, Clock())
